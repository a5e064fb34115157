/// Why a data set cannot be fetched, in one line.
package enum FetchError: Error, Sendable, Equatable, CustomStringConvertible {
  /// No data set of this name is fetched; `known` are.
  case unknown(name: String, known: [String])
  /// A mirror that is no HTTP address.
  case mirror(String)
  /// The cache cannot be written, or a needed program is missing.
  case local(path: String, problem: String)
  /// Every mirror failed; `attempts` has one part for each, naming it.
  case network(name: String, file: String, attempts: [String])

  /// Whether the request, rather than the machine or the network, is to blame.
  package var isUsage: Bool {
    switch self {
    case .unknown, .mirror: true
    case .local, .network: false
    }
  }

  /// One line: what was wrong and what was expected.
  package var description: String {
    switch self {
    case .unknown(let name, let known):
      "no data set called '\(name)' can be fetched; expected one of "
        + known.joined(separator: ", ")
    case .mirror(let text):
      "mirror is '\(text)'; expected an address that starts with http:// or https://"
    case .local(let path, let problem):
      "\(path): \(problem)"
    case .network(let name, let file, let attempts):
      "data set '\(name)': no mirror delivered '\(file)': " + attempts.joined(separator: "; ")
    }
  }
}
