import LinearCore

/// Verifies certificates against a network: evaluates the bounds of every stage anew, and searches for nothing.
package struct DeepCertificateChecker: Sendable {
  private let evaluator: RegionEvaluator
  private let norm: Norm
  /// What coordinates of a perturbed input lie between; nil for all numbers.
  private let box: (lower: [Double], upper: [Double])?

  /// A checker for radii in a norm, of inputs in a box.
  package init(
    _ network: BoundedNetwork, norm: Norm, box: (lower: [Double], upper: [Double])? = nil
  ) {
    evaluator = RegionEvaluator(network, norm: norm)
    self.norm = norm
    self.box = box
  }

  init(_ evaluator: RegionEvaluator, norm: Norm, box: (lower: [Double], upper: [Double])?) {
    (self.evaluator, self.norm, self.box) = (evaluator, norm, box)
  }

  /// Trees deeper than any search makes must not exhaust the stack.
  private static let largestDepth = 400

  /// Checks a certificate for an input of the class it names.
  package func check(_ certificate: DeepCertificate, input: [Double]) throws(DeepCertificateError) {
    let network = evaluator.network
    guard certificate.norm == norm else {
      throw .malformed("it is about \(certificate.norm.rawValue)")
    }
    guard input.count == network.inputDimension, input.allSatisfy(\.isFinite) else {
      throw .malformed("an input of another shape")
    }
    guard (0..<max(2, network.outputCount)).contains(certificate.label) else {
      throw .malformed("a label of \(certificate.label)")
    }
    // What claims nothing is right.
    if certificate.lower == 0, certificate.nodes.isEmpty { return }
    guard certificate.lower > 0, certificate.lower.isFinite else {
      throw .malformed("a radius of \(certificate.lower)")
    }
    try DenormalNumbers.kept { () -> Result<Void, DeepCertificateError> in
      do throws(DeepCertificateError) {
        var walk = Walk(
          certificate: certificate, evaluator: evaluator,
          reference: ReferencePoint(network, at: input),
          region: InputRegion(center: input, norm: norm, radius: certificate.lower, box: box),
          margins: MarginRows(label: certificate.label, outputCount: network.outputCount))
        try walk.visit(halfSpaces: [], known: nil, depth: 0)
        guard walk.position == certificate.nodes.count else {
          throw .malformed("nodes behind the end of the tree")
        }
        return .success(())
      } catch { return .failure(error) }
    }.get()
  }

  /// The tree, node by node.
  private struct Walk {
    let certificate: DeepCertificate
    let evaluator: RegionEvaluator
    let reference: ReferencePoint
    let region: InputRegion
    let margins: MarginRows
    var position = 0

    /// Checks the part of a node.
    ///
    /// - Parameter known: bounds on a part that holds this one.
    mutating func visit(halfSpaces: [HalfSpace], known: RegionBounds?, depth: Int)
      throws(DeepCertificateError)
    {
      guard position < certificate.nodes.count, depth < largestDepth else {
        throw .malformed("a tree without end")
      }
      let node = certificate.nodes[position]
      position += 1
      var known = known
      var isProved = false
      for stage in node.stages {
        guard let radius = stage.radius, radius >= certificate.lower, radius.isFinite,
          radius <= known?.region.radius ?? .infinity
        else { throw .malformed("a stage of radius \(stage.radius ?? .nan)") }
        let parameters = try PassParameters(
          stage.choices, evaluator: evaluator, halfSpaces: halfSpaces.count,
          margins: margins.count)
        guard
          let bounds = evaluator.bounds(
            reference, region.with(radius: radius), halfSpaces: halfSpaces,
            parameters: parameters, known: known)
        else {
          isProved = true
          break
        }
        isProved = evaluator.leastOutputs(
          margins.rows, bounds, halfSpaces: halfSpaces, parameters: parameters
        ).allSatisfy { $0 > 0 }
        known = bounds
      }
      guard let split = node.split else {
        guard isProved else { throw .unproved(radius: certificate.lower) }
        return
      }
      guard evaluator.preActivations.contains(split.node),
        (0..<evaluator.network.sizes[split.node]).contains(split.neuron),
        split.threshold.isFinite
      else { throw .malformed("a cut of something that is no neuron") }
      for isAbove in [false, true] {
        let half = HalfSpace(
          node: split.node, neuron: split.neuron, isAbove: isAbove, threshold: split.threshold)
        try visit(halfSpaces: halfSpaces + [half], known: known, depth: depth + 1)
      }
    }
  }
}

extension PassParameters {
  /// What a certificate says.
  /// - Throws: ``DeepCertificateError`` for numbers of nodes that are not there.
  init(
    _ choices: [DeepCertificate.Choice], evaluator: RegionEvaluator, halfSpaces: Int, margins: Int
  ) throws(DeepCertificateError) {
    self.init()
    let network = evaluator.network
    for choice in choices {
      let isOutput = choice.target == network.output
      guard isOutput || evaluator.preActivations.contains(choice.target) else {
        throw .malformed("slopes for node \(choice.target)")
      }
      let count = isOutput ? margins : 2 * network.sizes[choice.target]
      guard choice.rows.allSatisfy({ (0..<count).contains($0) }),
        Set(choice.rows).count == choice.rows.count
      else { throw .malformed("slopes of a row that is not there") }
      for slopes in choice.slopes {
        guard (0..<choice.target).contains(slopes.node), case .power = network.nodes[slopes.node],
          slopes.columns.allSatisfy({ (0..<network.sizes[slopes.node]).contains($0) }),
          slopes.values.count == choice.rows.count,
          slopes.values.allSatisfy({ $0.count == slopes.columns.count })
        else { throw .malformed("slopes of neurons that are not there") }
      }
      guard choice.multipliers.isEmpty || choice.multipliers.count == choice.rows.count,
        choice.multipliers.allSatisfy({
          $0.count == halfSpaces && $0.allSatisfy { $0 >= 0 && $0.isFinite }
        })
      else { throw .malformed("multipliers that do not fit the cuts") }
      self.choices[choice.target] = choice
    }
  }
}
