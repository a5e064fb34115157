/// Text in `.npy` arrays: numpy's `U` (four bytes a character) and `S` (UTF-8 here).
enum NPYText {
  /// The longest text that is read: far above any name, and what bounds the memory of one element.
  static let maximumWidth = 4096

  /// The most elements that are read.
  static let maximumCount = 1 << 26

  private enum Encoding { case utf8, utf32 }

  /// The array in `source`, which holds `size` bytes; nil where it holds no text.
  ///
  /// - Throws: `FormatError` for damaged files, for text that is no valid Unicode and for Python objects.
  static func decode<Source: ByteSource>(
    from source: inout Source, size: Int, what: String, path: String
  ) throws(FormatError) -> LabelArray? {
    let (header, length) = try NPYHeader.readDictionary(
      from: &source, available: size, what: what, path: path)
    func failure(_ text: String) -> FormatError { FormatError(path: path, "\(what) \(text)") }
    let isBigEndian = header.description.first == ">"
    let hasOrder = header.description.first.map { "<>|=".contains($0) } ?? false
    let code = hasOrder ? header.description.dropFirst() : header.description[...]
    if code == "O" {
      throw failure(
        "holds Python objects, which are never loaded; expected integers or fixed-width text, "
          + "such as y.astype(int) or y.astype(str)")
    }
    guard let kind = code.first, kind == "U" || kind == "S",
      let characters = Int(code.dropFirst()), characters >= 0
    else { return nil }
    let encoding = kind == "U" ? Encoding.utf32 : .utf8
    guard characters <= maximumWidth else {
      throw failure("has texts of \(characters) characters; expected at most \(maximumWidth)")
    }
    let width = encoding == .utf32 ? 4 * characters : characters
    guard let count = Tensor.count(of: header.shape), count <= maximumCount,
      count.multipliedReportingOverflow(by: max(1, width)).overflow == false
    else { throw failure("has the impossible shape \(shapeText(header.shape))") }
    guard count * width == size - length else {
      throw failure(
        "is truncated or too long: header promises \(count * width) bytes, \(size - length) found")
    }
    guard !header.isFortranOrder || header.shape.count < 2 else {
      throw failure("holds text in Fortran order; expected C order")
    }
    // A text of no characters has no bytes either: without this, any count would fit into no file.
    guard width > 0 || count == 0 else { throw failure("holds texts without any characters") }
    var known: [[UInt8]: String] = [:]
    var names: [String] = []
    let rows = max(1, (1 << 16) / max(1, width))
    while names.count < count {
      let wanted = min(rows, count - names.count)
      let block = try collect(wanted * width, path) { (buffer) throws(FormatError) in
        try source.read(into: buffer)
      }
      guard block.count == wanted * width else { throw failure("is truncated") }
      for row in 0..<wanted {
        let bytes = Array(block[row * width..<(row + 1) * width])
        // Few values, many samples: equal texts share their storage.
        if let name = known[bytes] {
          names.append(name)
          continue
        }
        guard let name = text(bytes, encoding, isBigEndian: isBigEndian) else {
          throw failure(
            "holds text at index \(names.count) that is no valid "
              + (encoding == .utf32 ? "Unicode" : "UTF-8"))
        }
        known[bytes] = name
        names.append(name)
      }
    }
    return .names(shape: header.shape, names)
  }

  /// The text without the zeros that pad it; nil if it is no valid Unicode.
  private static func text(_ bytes: [UInt8], _ encoding: Encoding, isBigEndian: Bool) -> String? {
    if encoding == .utf8 {
      let end = bytes.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0
      return String(validating: bytes[..<end], as: UTF8.self)
    }
    var codes: [UInt32] = []
    for start in stride(from: 0, to: bytes.count, by: 4) {
      let four = bytes[start..<start + 4]
      let ordered = isBigEndian ? Array(four) : four.reversed()
      codes.append(ordered.reduce(0) { $0 << 8 | UInt32($1) })
    }
    while codes.last == 0 { codes.removeLast() }
    var result = String.UnicodeScalarView()
    for code in codes {
      guard let scalar = Unicode.Scalar(code) else { return nil }
      result.append(scalar)
    }
    return String(result)
  }

  /// The bytes of a version 1.0 `.npy` file of type `<U`, wide enough for the longest name.
  static func encode(_ names: [String], shape: [Int]) -> [UInt8] {
    let width = max(1, names.map(\.unicodeScalars.count).max() ?? 1)
    var bytes = NPYHeader.encoded(description: "<U\(width)", shape: shape)
    bytes.reserveCapacity(bytes.count + 4 * width * names.count)
    for name in names {
      var written = 0
      for scalar in name.unicodeScalars {
        withUnsafeBytes(of: scalar.value.littleEndian) { bytes.append(contentsOf: $0) }
        written += 1
      }
      bytes.append(contentsOf: repeatElement(0, count: 4 * (width - written)))
    }
    return bytes
  }
}
