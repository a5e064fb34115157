/// A piece of work that is timed, usually beside a peer program in `peers/` that does the same work.
///
/// A new job is one file with a type that conforms, listed in `Main.swift`.
protocol BenchmarkJob: SendableMetatype {
  /// The name on the command line and in the output.
  static var name: String { get }

  /// Reads the job's settings.
  init(_ options: inout Options) throws(UsageError)

  /// Does the work and returns what was measured.
  func run() throws -> Measurement
}

/// What a job measured, printed as one JSON object with sorted keys; times are in seconds.
typealias Measurement = [String: MeasuredValue]

/// A number, a word, a list of numbers, or an object of these.
enum MeasuredValue: Encodable {
  case number(Double)
  case count(Int)
  case text(String)
  case numbers([Double])
  case object(Measurement)

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .number(let value): try container.encode(value)
    case .count(let value): try container.encode(value)
    case .text(let value): try container.encode(value)
    case .numbers(let values): try container.encode(values)
    case .object(let values): try container.encode(values)
    }
  }
}
