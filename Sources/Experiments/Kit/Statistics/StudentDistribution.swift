import Foundation
import Studies

/// Student's t distribution with a whole number of degrees of freedom.
package enum StudentDistribution {
  /// P(|T| <= t), by the finite trigonometric sums of Abramowitz and Stegun, *Handbook of Mathematical
  /// Functions*, 26.7.3 and 26.7.4: exact for every whole number of degrees of freedom.
  ///
  /// - Parameter degrees: at least 1. The time is linear in it.
  package static func centralProbability(within t: Double, degrees: Int) -> Double {
    precondition(degrees >= 1 && t >= 0, "a positive number of degrees of freedom, t >= 0")
    let angle = atan(t / Double(degrees).squareRoot())
    let (sine, cosine) = (sin(angle), cos(angle))
    let isOdd = degrees % 2 == 1
    // Odd: cos + (2/3) cos^3 + (2 4)/(3 5) cos^5 ...; even: 1 + (1/2) cos^2 + (1 3)/(2 4) cos^4 ...
    var term = isOdd ? cosine : 1
    var sum = 0.0
    var power = isOdd ? 1 : 0
    while power <= degrees - 2 {
      sum += term
      term *= Double(power + 1) / Double(power + 2) * cosine * cosine
      power += 2
    }
    return isOdd ? 2 / .pi * (angle + sine * sum) : sine * sum
  }

  /// The t with P(|T| <= t) = `probability`: 2.776 for 4 degrees of freedom and 0.95.
  ///
  /// - Parameters:
  ///   - probability: between 0 and 1, both excluded.
  ///   - degrees: at least 1.
  package static func centralQuantile(_ probability: Double, degrees: Int) -> Double {
    precondition(probability > 0 && probability < 1, "a probability between 0 and 1")
    // Bisection on the angle atan(t / sqrt(degrees)), which is bounded where t is not.
    let scale = Double(degrees).squareRoot()
    var (low, high) = (0.0, Double.pi / 2)
    while true {
      let middle = (low + high) / 2
      if middle <= low || middle >= high { return scale * tan(high) }
      if centralProbability(within: scale * tan(middle), degrees: degrees) < probability {
        low = middle
      } else {
        high = middle
      }
    }
  }
}
