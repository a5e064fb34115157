import Foundation
import LinearCore

/// One combination of what an experiment varies, for example a degree and an alpha.
///
/// Its parameters name it in tables and files, so no two cells of an experiment may have the same.
protocol GridCell: Sendable, Hashable {
  /// What is varied, in the order of the table's columns.
  var parameters: [Parameter] { get }
}

extension GridCell {
  /// "p = 3, alpha = 0.1".
  var title: String {
    parameters.map { "\($0.name) = \($0.value.text)" }.joined(separator: ", ")
  }

  /// The name of the cell in files: "p-3_alpha-0.1".
  var fileName: String {
    let text = parameters.map { "\($0.name)-\($0.value.text)" }.joined(separator: "_")
    return String(
      text.unicodeScalars.map { scalar in
        let isKept =
          scalar.isASCII
          && (scalar.properties.isAlphabetic || "0123456789.-_".unicodeScalars.contains(scalar))
        return isKept ? Character(scalar) : "-"
      })
  }
}

/// A parameter of a cell: its name and value.
struct Parameter: Encodable, Sendable, Hashable {
  /// A number or a word, in JSON as it is.
  enum Value: Encodable, Sendable, Hashable {
    case number(Double)
    case text(String)

    /// As tables show it: whole numbers without a point.
    var text: String {
      switch self {
      case .number(let number):
        number == number.rounded() && abs(number) < 1e9 ? "\(Int(saturating: number))" : "\(number)"
      case .text(let text): text
      }
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .number(let number): try container.encode(number)
      case .text(let text): try container.encode(text)
      }
    }
  }

  /// A column of the table.
  let name: String
  let value: Value

  init(_ name: String, _ number: Double) {
    self.name = name
    value = .number(number)
  }

  init(_ name: String, _ text: String) {
    self.name = name
    value = .text(text)
  }
}
