/// Why a figure or a report could not be written. Every description is one line.
package enum FigureError: Error, Hashable, Sendable, CustomStringConvertible {
  /// No executable of this name or path.
  case gnuplotNotFound(executable: String)
  /// gnuplot ran and failed; `message` is the first line of its complaint.
  case gnuplotFailed(figure: String, status: Int32, message: String)
  /// gnuplot reported success, but this output is missing or incomplete.
  case incompleteOutput(figure: String, format: FigureFormat)
  /// A file or directory could not be read or written.
  case fileFailure(path: String, reason: String)

  /// Whether the figure could not be drawn, while its numbers could be written.
  package var isOfDrawing: Bool {
    switch self {
    case .gnuplotNotFound, .gnuplotFailed, .incompleteOutput: true
    case .fileFailure: false
    }
  }

  /// One line for the user.
  package var description: String {
    switch self {
    case .gnuplotNotFound(let executable):
      "gnuplot not found: no executable '\(executable)' on PATH (Debian package gnuplot-nox)"
    case .gnuplotFailed(let figure, let status, let message):
      "gnuplot failed on figure '\(figure)' with status \(status): \(message)"
    case .incompleteOutput(let figure, let format):
      "gnuplot left the \(format.rawValue) output of figure '\(figure)' missing or incomplete"
    case .fileFailure(let path, let reason):
      "cannot access '\(path)': \(reason)"
    }
  }
}
