import Foundation

/// A figure of stored measurements.
protocol ResultFigure: SendableMetatype {
  /// The name on the command line.
  static var name: String { get }

  /// Reads what a script has stored.
  init(_ json: Data) throws

  /// Writes the files, and returns what there is to say about them, in Markdown.
  func write(in directory: URL) throws -> String
}
