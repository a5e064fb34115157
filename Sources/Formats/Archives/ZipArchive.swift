import CZip

/// A zip archive open for reading through libzip.
final class ZipArchive {
  /// What the directory of the archive claims about one entry.
  struct Entry {
    let index: UInt64
    let name: String
    let size: Int
    /// Bytes that it takes in the archive.
    let storedSize: Int
    /// Why it cannot be read, nil if it can.
    let problem: String?

    /// As an error calls it.
    var shown: String { "entry '\(name.shortened)'" }
  }

  /// Entries of more than 64 MiB may not be more than this many times as large as what is stored of them: numbers
  /// that say anything are not compressed as far, and 1 MB must not take 1 GB of memory.
  static let maximumExpansion = 250
  private static let alwaysExpanded = 1 << 26

  /// The entries, in the order of the archive; names are unique.
  let entries: [Entry]

  let path: String

  /// The length of the archive in bytes.
  let size: Int

  private let handle: OpaquePointer
  /// Backs an archive in memory; libzip reads it through a pointer.
  private let buffer: UnsafeMutableRawBufferPointer?

  /// Opens the file `path`.
  convenience init(path: String) throws(FormatError) {
    // Opening it ourselves first gives the same clear errors as every other format.
    let size = try FileSource(path: path).size
    var code: Int32 = 0
    guard let handle = zip_open(path, ZIP_RDONLY, &code) else {
      throw ZipArchive.openFailure(path, code: code)
    }
    try self.init(handle: handle, buffer: nil, size: size, path: path)
  }

  /// Opens an archive that lies in memory; errors name `path`.
  convenience init(bytes: [UInt8], path: String) throws(FormatError) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(bytes.count, 1), alignment: 16)
    buffer.copyBytes(from: bytes)
    var error = zip_error_t()
    zip_error_init(&error)
    defer { zip_error_fini(&error) }
    guard
      let source = zip_source_buffer_create(
        buffer.baseAddress, zip_uint64_t(bytes.count), 0, &error)
    else {
      buffer.deallocate()
      throw ZipArchive.openFailure(path, code: zip_error_code_zip(&error))
    }
    guard let handle = zip_open_from_source(source, ZIP_RDONLY, &error) else {
      zip_source_free(source)
      buffer.deallocate()
      throw ZipArchive.openFailure(path, code: zip_error_code_zip(&error))
    }
    try self.init(handle: handle, buffer: buffer, size: bytes.count, path: path)
  }

  private init(
    handle: OpaquePointer, buffer: UnsafeMutableRawBufferPointer?, size: Int, path: String
  ) throws(FormatError) {
    self.handle = handle
    self.buffer = buffer
    self.path = path
    self.size = size
    do throws(FormatError) {
      // libzip takes an empty file for an empty archive.
      guard size > 0 else { throw FormatError(path: path, "is empty; expected a zip archive") }
      entries = try ZipArchive.entries(of: handle, archiveSize: size, path: path)
    } catch {
      zip_discard(handle)
      buffer?.deallocate()
      throw error
    }
  }

  deinit {
    zip_discard(handle)
    buffer?.deallocate()
  }

  /// Starts reading `entry`.
  ///
  /// - Parameter isWhole: whether more than its start will be read, so that its size matters.
  func open(_ entry: Entry, isWhole: Bool = true) throws(FormatError) -> ZipEntrySource {
    if let problem = entry.problem { throw FormatError(path: path, "\(entry.shown) \(problem)") }
    guard
      !isWhole || entry.size <= Self.alwaysExpanded
        || entry.size / Self.maximumExpansion <= entry.storedSize
    else {
      throw FormatError(
        path: path,
        "\(entry.shown) expands \(entry.storedSize) bytes to \(entry.size); expected at most "
          + "\(Self.maximumExpansion) times as many: store it without compression")
    }
    guard let file = zip_fopen_index(handle, entry.index, 0) else {
      throw FormatError(
        path: path,
        "\(entry.shown) cannot be opened: \(String(cString: zip_strerror(handle)))")
    }
    return ZipEntrySource(file: file, archive: self, what: entry.shown)
  }

  /// All bytes of a small entry.
  func bytes(of entry: Entry) throws(FormatError) -> [UInt8] {
    let source = try open(entry)
    let bytes = try collect(entry.size, path) { (buffer) throws(FormatError) in
      try source.read(into: buffer)
    }
    guard bytes.count == entry.size else {
      throw FormatError(
        path: path,
        "\(entry.shown) is truncated: \(entry.size) bytes promised, \(bytes.count) found")
    }
    try source.finish()
    return bytes
  }

  private static func openFailure(_ path: String, code: Int32) -> FormatError {
    var error = zip_error_t()
    zip_error_init_with_code(&error, code)
    defer { zip_error_fini(&error) }
    let text = String(cString: zip_error_strerror(&error))
    return FormatError(
      path: path, "is not a zip archive, or is truncated or damaged: \(text)")
  }

  /// Lists the archive and refuses what no file of arrays holds, and sizes that cannot be true.
  private static func entries(
    of handle: OpaquePointer, archiveSize: Int, path: String
  ) throws(FormatError) -> [Entry] {
    var entries: [Entry] = []
    var names: Set<String> = []
    for index in 0..<zip_uint64_t(max(0, zip_get_num_entries(handle, 0))) {
      var status = zip_stat_t()
      zip_stat_init(&status)
      let needed = zip_uint64_t(
        ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD
          | ZIP_STAT_ENCRYPTION_METHOD)
      guard zip_stat_index(handle, index, 0, &status) == 0, status.valid & needed == needed,
        let name = status.name.map({ String(cString: $0) })
      else { throw FormatError(path: path, "has a damaged zip directory at entry \(index)") }
      guard names.insert(name).inserted else {
        throw FormatError(path: path, "holds two entries called '\(name.shortened)'")
      }
      let isStored = Int32(status.comp_method) == ZIP_CM_STORE
      var problem: String?
      if status.encryption_method != UInt16(ZIP_EM_NONE) {
        problem = "is encrypted; expected plain data"
      } else if !isStored, Int32(status.comp_method) != ZIP_CM_DEFLATE {
        problem = "uses zip method \(status.comp_method); expected stored or deflated"
      }
      if problem != nil {
        // What others keep beside the arrays is no matter, unless it is asked for.
        entries.append(Entry(index: index, name: name, size: 0, storedSize: 0, problem: problem))
        continue
      }
      let ceiling = status.comp_size.multipliedReportingOverflow(
        by: isStored ? 1 : UInt64(Gzip.maximumExpansion))
      guard status.comp_size <= UInt64(archiveSize), !ceiling.overflow,
        status.size <= ceiling.partialValue, let size = Int(exactly: status.size),
        let storedSize = Int(exactly: status.comp_size)
      else {
        throw FormatError(
          path: path,
          "entry '\(name.shortened)' claims \(status.size) bytes from \(status.comp_size) stored ones, "
            + "more than the archive can hold")
      }
      entries.append(
        Entry(index: index, name: name, size: size, storedSize: storedSize, problem: nil))
    }
    return entries
  }
}

/// The uncompressed bytes of one entry.
final class ZipEntrySource: ByteSource {
  private let file: OpaquePointer
  private let archive: ZipArchive
  /// As an error calls the entry.
  private let what: String

  fileprivate init(file: OpaquePointer, archive: ZipArchive, what: String) {
    self.file = file
    self.archive = archive
    self.what = what
  }

  deinit { zip_fclose(file) }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(FormatError) -> Int {
    guard let start = buffer.baseAddress else { return 0 }
    var filled = 0
    while filled < buffer.count {
      let request = min(buffer.count - filled, 1 << 30)
      let got = zip_fread(file, start + filled, zip_uint64_t(request))
      if got == 0 { break }
      guard got > 0 else {
        let text = String(cString: zip_file_strerror(file))
        throw FormatError(path: archive.path, "\(what) is damaged: \(text)")
      }
      filled += Int(got)
    }
    return filled
  }

  /// Reads past the last byte, where libzip compares the checksum.
  func finish() throws(FormatError) {
    var extra: UInt8 = 0
    var failure: FormatError?
    withUnsafeMutableBytes(of: &extra) { buffer in
      do throws(FormatError) {
        if try read(into: buffer) > 0 {
          failure = FormatError(
            path: archive.path, "\(what) is longer than the zip directory claims")
        }
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }
}
