/// A system of ordinary differential equations dy/dt = f(t, y).
///
/// An integrator calls it from one thread at a time; inside, it may use as many as it likes, as long as
/// its values do not depend on their number. Working memory belongs into a class.
package protocol DifferentialSystem {
  /// The number of components of y.
  var dimension: Int { get }

  /// Writes f(time, state) into `derivative`, every component of it.
  ///
  /// Components that are not finite make the integrator try a smaller step.
  ///
  /// - Parameters:
  ///   - state: `dimension` numbers, not to be changed.
  ///   - derivative: `dimension` numbers, in an unknown state before.
  func derivative(
    time: Double, state: UnsafePointer<Double>, into derivative: UnsafeMutablePointer<Double>)
}
