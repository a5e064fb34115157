import LinearCore

/// Why training could not start or go on: one line each.
public enum TrainingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A setting out of range.
  case invalid(field: String, found: String, expected: String)
  /// The loss or a weight became NaN or infinite.
  case diverged(epoch: Int, hint: String)
  /// A checkpoint that does not belong to this run, or cannot be read.
  case checkpoint(String)

  /// One line for a person.
  public var description: String {
    switch self {
    case .invalid(let field, let found, let expected):
      "\(SettingName(field)) is \(found), expected \(expected)"
    case .diverged(let epoch, let hint):
      "training diverged in epoch \(epoch): the loss is no longer a finite number; \(hint)"
    case .checkpoint(let message): message
    }
  }
}
