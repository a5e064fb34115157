import LinearCore

/// Margins at single points, with bounds of their rounding errors.
struct PointMargin {
  let evaluator: RegionEvaluator
  let margins: MarginRows

  /// Every margin at a point, and what it may be off by.
  func values(at point: [Double]) -> (values: [Double], errors: [Double]) {
    let network = evaluator.network
    let reference = ReferencePoint(network, at: point)
    var bounds = RegionBounds(
      network, reference, InputRegion(center: point, norm: .linf, radius: 0))
    for node in network.nodes.indices {
      if node > 0 { bounds.reach(node) }
      if evaluator.preActivations.contains(node) {
        let (low, high) = bounds.plainInterval(node)
        bounds.setInterval(node, low, high)
      }
    }
    let outputs = reference.values[network.output]
    let doubt = bounds.magnitudes[network.output]
    let values = margins.values(outputs)
    let errors = (0..<margins.count).map { row in
      outputs.indices.reduce(0.0) { sum, j in
        let size = margins.rows[row, j].magnitude
        return sum + size * (doubt[j] + 4 * Rounding.unit * outputs[j].magnitude)
      }
    }
    return (values, errors.map(Rounding.up))
  }

  /// Whether some margin is certainly not above 0.
  func isLost(at point: [Double]) -> Bool {
    let (values, errors) = values(at: point)
    return zip(values, errors).contains { $0 + $1 <= 0 }
  }
}

/// The smallest perturbation known, each verified.
struct KnownPerturbation {
  let point: PointMargin
  let input: [Double]
  let norm: Norm
  /// What coordinates of a perturbed input lie between; nil for all numbers.
  let box: (lower: [Double], upper: [Double])?
  private(set) var length = Double.infinity
  private(set) var perturbation: [Double] = []

  init(
    _ point: PointMargin, input: [Double], norm: Norm, box: (lower: [Double], upper: [Double])?
  ) {
    (self.point, self.input, self.norm, self.box) = (point, input, norm, box)
  }

  /// Takes a perturbation if it certainly changes the class and is smaller than what is known. One that stops just short of
  /// the boundary is lengthened a little.
  mutating func offer(_ candidate: [Double]) {
    let size = norm.length(candidate)
    guard size > 0, size.isFinite, size < length else { return }
    for exponent in -16...(-2) {
      let factor = exponent == -16 ? 1 : 1 + Double.power(10, Double(exponent))
      if size * factor >= length { return }
      var moved = zip(input, candidate).map { $0 + factor * $1 }
      if let box {
        for j in moved.indices { moved[j] = min(max(moved[j], box.lower[j]), box.upper[j]) }
      }
      guard point.isLost(at: moved) else { continue }
      // What the sum was rounded to is where the class was looked at; the difference of the two is rounded again.
      let found = zip(moved, input).map { $0 - $1 }
      let reached = norm.length(found) * (1 + 4 * Rounding.unit)
      if reached < length { (perturbation, length) = (found, reached) }
      return
    }
  }
}
