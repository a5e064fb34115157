/// Running text with emphasis and code, made by interpolation.
///
/// Only the interpolations below have a meaning; every other character stands for itself, so a
/// file name or a label can never become markup.
/// ```swift
/// let text: Prose = "The margin is \(strong: "certified") by \(code: "polyrelu certify")."
/// ```
package struct Prose: Hashable, Sendable, ExpressibleByStringInterpolation {
  enum Run: Hashable, Sendable {
    case text(String)
    case emphasis(String)
    case strong(String)
    case code(String)
    case link(text: String, path: String)
  }

  var runs: [Run]

  /// Plain text, for example a value computed at run time.
  package init(_ text: String) { runs = [.text(text)] }

  package init(stringLiteral value: String) { runs = [.text(value)] }

  /// One text after the other, so that long prose can stand on several lines.
  package static func + (left: Prose, right: Prose) -> Prose {
    var result = left
    result.runs += right.runs
    return result
  }

  /// Collects the pieces of an interpolated literal.
  package init(stringInterpolation: StringInterpolation) { runs = stringInterpolation.runs }

  /// The pieces of an interpolated literal.
  package struct StringInterpolation: StringInterpolationProtocol {
    var runs: [Run] = []

    package init(literalCapacity: Int, interpolationCount: Int) {}

    /// Adds the text between interpolations.
    package mutating func appendLiteral(_ literal: String) { runs.append(.text(literal)) }

    /// Adds a value as plain text.
    package mutating func appendInterpolation(_ value: some CustomStringConvertible) {
      runs.append(.text(value.description))
    }

    /// Adds other prose, markup included.
    package mutating func appendInterpolation(_ prose: Prose) { runs += prose.runs }

    /// Adds emphasised text.
    package mutating func appendInterpolation(emphasis text: String) {
      runs.append(.emphasis(text))
    }

    /// Adds strongly emphasised text.
    package mutating func appendInterpolation(strong text: String) { runs.append(.strong(text)) }

    /// Adds code, a command or a file name.
    package mutating func appendInterpolation(code text: String) { runs.append(.code(text)) }

    /// Adds a link to a file, by its path relative to the report.
    package mutating func appendInterpolation(link text: String, to path: String) {
      runs.append(.link(text: text, path: path))
    }
  }

  /// The text without markup, for a terminal.
  package var text: String {
    runs.map { run in
      switch run {
      case .text(let text), .emphasis(let text), .strong(let text), .code(let text): text
      case .link(let text, _): text
      }
    }.joined()
  }

  /// The text as HTML.
  var html: String {
    runs.map { run in
      switch run {
      case .text(let text): HTML.escaped(text)
      case .emphasis(let text): "<em>\(HTML.escaped(text))</em>"
      case .strong(let text): "<strong>\(HTML.escaped(text))</strong>"
      case .code(let text): "<code>\(HTML.escaped(text))</code>"
      case .link(let text, let path):
        "<a href=\"\(HTML.link(toPath: path))\">\(HTML.escaped(text))</a>"
      }
    }.joined()
  }
}
