import Datasets
import Figures
import LinearCore
import Training

/// Why a command stopped, sorted by whose turn it is: one line for a person.
public enum ExperimentError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The user's input cannot be used; exit status 2.
  case usage(String)
  /// The computation failed; exit status 1.
  case failed(String)

  /// The line.
  public var description: String {
    switch self {
    case .usage(let message), .failed(let message): message
    }
  }

  /// Sorts any error of the package.
  public init(_ error: any Error) {
    switch error {
    case let error as ExperimentError: self = error
    case TrainingError.diverged: self = .failed("\(error)")
    case let error as FetchError: self = error.isUsage ? .usage("\(error)") : .failed("\(error)")
    case is FactorizationError, is FigureError: self = .failed("\(error)")
    default: self = .usage("\(error)")
    }
  }
}
