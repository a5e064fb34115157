import CZip

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension NPZ {
  /// Writes `arrays` to the file `path`, atomically.
  ///
  /// - Parameter isCompressed: whether entries are deflated or stored.
  public static func write(
    _ arrays: [String: Tensor], to path: String, isCompressed: Bool = false
  ) throws(FormatError) {
    try AtomicFile.write(encode(arrays, path: path, isCompressed: isCompressed), to: path)
  }

  /// The bytes of an archive with `arrays`, sorted by name and without times: equal arrays, equal
  /// bytes. Errors name `path`.
  public static func encode(
    _ arrays: [String: Tensor], path: String, isCompressed: Bool = false
  ) throws(FormatError) -> [UInt8] {
    try encode(files: arrays.mapValues(NPY.encode), path: path, isCompressed: isCompressed)
  }

  /// The same for arrays whose `.npy` files are made already.
  static func encode(
    files: [String: [UInt8]], path: String, isCompressed: Bool
  ) throws(FormatError) -> [UInt8] {
    let writer = try ZipWriter(path: path)
    for (name, bytes) in files.sorted(by: { $0.key < $1.key }) {
      try writer.add(name + ".npy", bytes, isCompressed: isCompressed)
    }
    return try writer.finish()
  }
}

/// Builds a zip archive in memory through libzip.
private final class ZipWriter {
  private let path: String
  private let target: OpaquePointer
  private var handle: OpaquePointer?

  init(path: String) throws(FormatError) {
    self.path = path
    guard let target = zip_source_buffer_create(nil, 0, 0, nil) else {
      throw FormatError(path: path, "cannot be written: libzip is out of memory")
    }
    // Closing the archive consumes one reference; the result is read through the other.
    zip_source_keep(target)
    guard let handle = zip_open_from_source(target, ZIP_TRUNCATE, nil) else {
      zip_source_free(target)
      zip_source_free(target)
      throw FormatError(path: path, "cannot be written: libzip cannot start an archive")
    }
    self.target = target
    self.handle = handle
  }

  deinit {
    if let handle { zip_discard(handle) }
    zip_source_free(target)
  }

  func add(_ name: String, _ bytes: [UInt8], isCompressed: Bool) throws(FormatError) {
    guard let handle, let copy = malloc(max(bytes.count, 1)) else {
      throw FormatError(path: path, "cannot be written: out of memory")
    }
    bytes.withUnsafeBytes { raw in
      UnsafeMutableRawBufferPointer(start: copy, count: bytes.count).copyMemory(from: raw)
    }
    // libzip frees the copy when it is done with it.
    guard let source = zip_source_buffer(handle, copy, zip_uint64_t(bytes.count), 1) else {
      free(copy)
      throw failure(handle)
    }
    let index = zip_file_add(handle, name, source, zip_flags_t(ZIP_FL_ENC_UTF_8))
    guard index >= 0 else {
      zip_source_free(source)
      throw failure(handle)
    }
    let method = isCompressed ? ZIP_CM_DEFLATE : ZIP_CM_STORE
    // 1980-01-01 00:00, the earliest time a zip archive can express, in its own encoding.
    let firstDay: zip_uint16_t = 1 << 5 | 1
    guard zip_set_file_compression(handle, zip_uint64_t(index), method, 6) == 0,
      zip_file_set_dostime(handle, zip_uint64_t(index), 0, firstDay, 0) == 0
    else { throw failure(handle) }
  }

  func finish() throws(FormatError) -> [UInt8] {
    guard let handle else { return [] }
    guard zip_close(handle) == 0 else { throw failure(handle) }
    self.handle = nil
    var status = zip_stat_t()
    zip_stat_init(&status)
    guard zip_source_stat(target, &status) == 0, let size = Int(exactly: status.size),
      zip_source_open(target) == 0
    else { return try empty() }
    defer { zip_source_close(target) }
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      count = Int(max(0, zip_source_read(target, buffer.baseAddress, zip_uint64_t(size))))
    }
    guard bytes.count == size else {
      throw FormatError(path: path, "cannot be written: libzip lost part of the archive")
    }
    return bytes
  }

  /// libzip writes nothing for an archive without entries; this is its end record.
  private func empty() throws(FormatError) -> [UInt8] {
    [0x50, 0x4B, 0x05, 0x06] + [UInt8](repeating: 0, count: 18)
  }

  private func failure(_ handle: OpaquePointer) -> FormatError {
    FormatError(
      path: path, "cannot be written: \(String(cString: zip_strerror(handle)))")
  }
}
