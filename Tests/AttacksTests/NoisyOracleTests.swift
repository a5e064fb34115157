import Attacks
import Foundation
import LinearCore
import Networks
import Testing

/// The radius of F^(p)(x) = sum_k y_k relu(<mu_k, x>)^p at a noisy sample, by brute force.
///
/// Only the coordinates c_k = <mu_k, x> count. A perturbation spends a on those of the own class, to make
/// their sum of powers as small as it gets (a convex problem with one solution), and b on the others, to
/// make theirs as large as it gets (a convex function, of which fixed points are collected from many
/// starts). The radius is the smallest (a^2 + b^2)^(1/2) for which the second sum reaches the first.
private struct SplitRadius {
  let exponent: Double
  let own: [Double]
  let others: [Double]

  private func power(_ z: Double) -> Double { z > 0 ? pow(z, exponent) : 0 }

  /// min sum_k relu(u_k)^p for ||u - own|| = a, from u_k + t p u_k^(p-1) = own_k with a multiplier t.
  private func smallestOwn(_ a: Double) -> Double {
    let positive = own.filter { $0 > 0 }
    if a * a >= positive.reduce(0, { $0 + $1 * $1 }) { return 0 }
    func solution(_ multiplier: Double) -> [Double] {
      positive.map { c in
        if exponent == 2 { return c / (1 + 2 * multiplier) }
        var (low, high) = (0.0, c)
        for _ in 0..<50 {
          let u = (low + high) / 2
          if u + multiplier * exponent * pow(u, exponent - 1) > c { high = u } else { low = u }
        }
        return (low + high) / 2
      }
    }
    func cost(_ u: [Double]) -> Double {
      zip(u, positive).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }
    // The multiplier over many orders of magnitude.
    var (low, high) = (-20.0, 40.0)
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if cost(solution(exp(middle))) < a * a { low = middle } else { high = middle }
    }
    return solution(exp(low)).reduce(0) { $0 + power($1) }
  }

  /// max sum_k relu(v_k)^p for ||v - others|| = b, from fixed points of the direction of the gradient.
  private func largestOthers(_ b: Double) -> Double {
    let order = others.indices.sorted { others[$0] > others[$1] }
    let starts = order.map { [$0] } + order.indices.dropFirst().map { Array(order[...$0]) }
    var best = 0.0
    for start in starts {
      var direction = others.map { _ in 0.0 }
      for k in start { direction[k] = 1 / Double(start.count).squareRoot() }
      var value = 0.0
      for _ in 0..<40 {
        let v = zip(others, direction).map { $0 + b * $1 }
        let next = v.reduce(0) { $0 + power($1) }
        if next <= value * (1 + 1e-12) { break }
        value = next
        let gradient = v.map { $0 > 0 ? pow($0, exponent - 1) : 0 }
        let length = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
        if length == 0 { break }
        direction = gradient.map { $0 / length }
      }
      best = max(best, value)
    }
    return best
  }

  /// The smallest size for a given a.
  private func size(_ a: Double) -> Double {
    let needed = smallestOwn(a)
    var (low, high) = (0.0, 2.0)
    for _ in 0..<30 {
      let b = (low + high) / 2
      if largestOthers(b) >= needed { high = b } else { low = b }
    }
    return (a * a + high * high).squareRoot()
  }

  /// By a grid, and golden section around its best point.
  var value: Double {
    let longest = own.reduce(0) { $0 + max($1, 0) * max($1, 0) }.squareRoot()
    let grid = (0...40).map { longest * Double($0) / 40 }
    let sizes = grid.map(size)
    let best = sizes.indices.min { sizes[$0] < sizes[$1] }!
    var (low, high) = (grid[max(best - 1, 0)], grid[min(best + 1, 40)])
    let ratio = (5.0.squareRoot() - 1) / 2
    var (left, right) = (high - ratio * (high - low), low + ratio * (high - low))
    var (atLeft, atRight) = (size(left), size(right))
    for _ in 0..<20 {
      if atLeft < atRight {
        (high, right, atRight) = (right, left, atLeft)
        left = high - ratio * (high - low)
        atLeft = size(left)
      } else {
        (low, left, atLeft) = (left, right, atRight)
        right = low + ratio * (high - low)
        atRight = size(right)
      }
    }
    return min(sizes[best], atLeft, atRight)
  }
}

@Suite struct NoisyOracleTests {
  @Test(arguments: [1.25, 1.5, 2, 2.5, 3, 4, 6], [0.01, 0.1, 0.3]) func radiiAreThoseOfBruteForce(
    _ exponent: Double, _ alpha: Double
  ) throws {
    let problem = NoisyProblem(alpha: alpha)
    let network = problem.ideal(exponent)
    let result = try problem.evaluation(network)
      .run(network, inputs: problem.inputs, labels: problem.labels)
    // Brute force itself is good to 1e-4. For p < 2 and much noise the smallest perturbation raises some
    // of the coordinates that the noise made negative and not others; at a negative one the gradient is
    // 0, so that each choice is a valley of its own, and the attack may end in the next best.
    let excess = exponent < 2 && alpha > 0.1 ? 0.03 : 1e-4
    // A sample of each class.
    for i in [15, 7] {
      let row = problem.inputs.row(i)
      var (own, others): ([Double], [Double]) = ([], [])
      for k in 0..<problem.centers.rows {
        let product = zip(row, problem.centers.row(k)).reduce(0) {
          $0 + Double($1.0) * Double($1.1)
        }
        if problem.centerLabels[k] == problem.labels[i] {
          own.append(product)
        } else {
          others.append(product)
        }
      }
      let exact = SplitRadius(exponent: exponent, own: own, others: others).value
      let radius = result.samples[i].radius
      #expect(radius >= exact * (1 - 1e-4), "sample \(i): \(radius), \(exact)")
      #expect(radius <= exact * (1 + excess), "sample \(i): \(radius), \(exact)")
    }
  }
}
