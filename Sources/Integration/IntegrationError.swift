/// Why a method or an integrator could not be made: one line each. How an integration ends is not an
/// error but a value, ``Solution/ending``.
package enum IntegrationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A tableau that is not what it says.
  case tableau(method: String, problem: String)
  /// A setting out of range.
  case invalid(field: String, found: String, expected: String)
  /// A state without components, or not as long as the system's dimension.
  case stateLength(found: Int, expected: Int)
  /// A component of the initial state that is NaN or infinite.
  case stateNotFinite(component: Int)
  /// Step control by a method that does not estimate its error.
  case noErrorEstimate(method: String)
  /// A tolerance group that reaches outside the state, overlaps another, or leaves a component out.
  case toleranceGroups(component: Int, problem: String)
  /// A stored state of another method.
  case methodMismatch(stored: String, found: String)

  /// One line for a person.
  package var description: String {
    switch self {
    case .tableau(let method, let problem): "the tableau of \(method) is wrong: \(problem)"
    case .invalid(let field, let found, let expected):
      "\(field) is \(found), expected \(expected)"
    case .stateLength(let found, let expected):
      found == 0
        ? "the state has no components"
        : "the state has \(found) components, expected \(expected), the dimension of the system"
    case .stateNotFinite(let component):
      "component \(component) of the initial state is not a finite number"
    case .noErrorEstimate(let method):
      "\(method) does not estimate its error: give a fixed step, or take an embedded method"
    case .toleranceGroups(let component, let problem):
      "the tolerance groups \(problem) component \(component)"
    case .methodMismatch(let stored, let found):
      "the stored state belongs to the method \(stored), not to \(found)"
    }
  }
}
