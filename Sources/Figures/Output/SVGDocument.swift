import Foundation

/// gnuplot's SVG, made independent of the gnuplot version and safe to inline in a page.
///
/// Documents with embedded bitmaps have megabytes; the edits look for fixed strings and never run
/// a pattern over the whole text.
struct SVGDocument {
  private(set) var text: String

  /// The fonts of every figure; gnuplot reserves room for the wider DejaVu Sans.
  static let fontFamily = "Helvetica, Arial, 'DejaVu Sans', sans-serif"

  /// Cleans what gnuplot wrote: no version, no placeholder title, a portable font family.
  init(gnuplotOutput: String) {
    text =
      gnuplotOutput
      .replacingOccurrences(of: "<title>Gnuplot</title>\n", with: "")
      .replacingOccurrences(
        of: "font-family=\"\(PlotScript.fontName)\"", with: "font-family=\"\(Self.fontFamily)\"")
    if let start = text.range(of: "<desc>Produced by GNUPLOT"),
      let end = text.range(of: "</desc>\n", range: start.upperBound..<text.endIndex)
    {
      text.removeSubrange(start.lowerBound..<end.upperBound)
    }
    text = Self.editingTags(of: text, where: { $0.hasPrefix("image ") }, Self.sharpened)
  }

  /// Takes text that is already clean.
  init(text: String) {
    self.text = text
  }

  /// The document element alone, to be put inside HTML: every id starts with `prefix`, references
  /// follow, and the figure is announced to screen readers as `label`.
  func inlined(prefix: String, label: String) -> String {
    guard let start = text.range(of: "<svg") else { return "" }
    let element = String(text[start.lowerBound...])
    var body = Self.editingTags(of: element, where: { _ in true }) { tag in
      guard tag.utf8.count < 4096 else { return tag }  // a bitmap, which has no id
      return [" id='", " id=\"", "href='#", "href=\"#", "url(#"].reduce(tag) {
        $0.replacingOccurrences(of: $1, with: $1 + prefix)
      }
    }
    let attributes = " role=\"img\" aria-label=\"\(HTML.escaped(label))\""
    body.insert(contentsOf: attributes, at: body.index(body.startIndex, offsetBy: 4))
    return body.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Applies `edit` to the inside of every tag that `isWanted`, and to nothing else: drawn text
  /// has its "<" escaped, so it cannot pose as a tag.
  private static func editingTags(
    of text: String, where isWanted: (Substring) -> Bool, _ edit: (String) -> String
  ) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count)
    let open = UInt8(ascii: "<")
    let close = UInt8(ascii: ">")
    var rest = text[...]
    while let start = rest.utf8.firstIndex(of: open) {
      let inside = rest.utf8.index(after: start)
      result += rest[..<inside]
      guard let end = rest[inside...].utf8.firstIndex(of: close) else {
        rest = rest[inside...]
        break
      }
      let tag = rest[inside..<end]
      result += isWanted(tag) ? edit(String(tag)) : String(tag)
      rest = rest[end...]
    }
    return result + rest
  }

  /// An embedded bitmap that is shown enlarged must show its pixels, not a blur.
  private static func sharpened(imageTag tag: String) -> String {
    func attribute(_ name: String) -> Double? {
      guard let start = tag.firstRange(of: " \(name)='")?.upperBound else { return nil }
      return Double(tag[start...].prefix { $0 != "'" })
    }
    guard let marker = tag.range(of: "base64,"),
      let header = Data(base64Encoded: String(tag[marker.upperBound...].prefix(44))),
      header.count >= 24, let width = attribute("width"), let height = attribute("height")
    else { return tag }
    // The IHDR chunk of a PNG holds its columns and rows, big-endian, from byte 16.
    let columns = header[16..<20].reduce(0) { $0 * 256 + Double($1) }
    let rows = header[20..<24].reduce(0) { $0 * 256 + Double($1) }
    guard width > columns || height > rows else { return tag }
    return tag.replacingOccurrences(
      of: "image ", with: "image style='image-rendering:optimizeSpeed;image-rendering:pixelated' ",
      range: tag.startIndex..<tag.index(tag.startIndex, offsetBy: 6))
  }
}
