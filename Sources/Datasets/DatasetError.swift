import Formats

/// Why data cannot be had, in one line for the person who asked for them.
public enum DatasetError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A file cannot be read or is damaged.
  case file(FormatError)
  /// The contents of a data set make no sense; `source` is its file or name.
  case invalid(source: String, problem: String)
  /// A parameter has a value it cannot have.
  case parameter(name: String, found: String, expected: String)
  /// Neither a known name nor a file.
  case unknown(name: String, known: [String])
  /// A known data set whose files are not on this machine.
  case notFound(name: String, file: String, searched: [String])

  /// One line: what was wrong and what was expected.
  public var description: String {
    switch self {
    case .file(let error):
      error.description
    case .invalid(let source, let problem):
      // Names from a file may hold anything; this stays one short line of printable text.
      FormatError(path: source, problem).description
    case .parameter(let name, let found, let expected):
      "\(name) is \(found); expected \(expected)"
    case .unknown(let name, let known):
      "no data set or file is called '\(name)'; expected one of \(known.joined(separator: ", ")), "
        + "a .npz, .safetensors, .npy or .csv file"
    case .notFound(let name, let file, let searched):
      "data set '\(name)' not found: no file '\(file)' in \(searched.joined(separator: ", ")); "
        + "run `polyrelu data fetch \(name)` or set POLYRELU_DATA"
    }
  }
}

/// Runs `body` and turns its `FormatError` into a `DatasetError`.
func reading<Value>(_ body: () throws(FormatError) -> Value) throws(DatasetError) -> Value {
  do throws(FormatError) { return try body() } catch { throw .file(error) }
}
