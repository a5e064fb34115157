import LinearCore

/// Evaluations of one part of a ball or box: bounds with slopes and multipliers that are looked for on the way.
struct PartEvaluator {
  let evaluator: RegionEvaluator
  let reference: ReferencePoint
  let margins: MarginRows

  /// What an evaluation shows.
  struct Outcome {
    /// Nil where the part is empty.
    var bounds: RegionBounds?
    /// At most every margin; infinite where the part is empty, NaN where nothing is known.
    var margins: [Double]
    var stage: DeepCertificate.Stage

    var leastMargin: Double {
      margins.reduce(.infinity) { $1.isNaN || $0.isNaN ? .nan : min($0, $1) }
    }
  }

  /// Bounds on a region that is cut to half-spaces.
  ///
  /// - Parameters:
  ///   - known: bounds on a part that holds this one.
  ///   - iterations: steps to better slopes and multipliers, of every layer.
  ///   - start: choices to begin with.
  func evaluate(
    _ region: InputRegion, halfSpaces: [HalfSpace] = [], known: RegionBounds? = nil,
    iterations: Int = 0, start: [DeepCertificate.Choice] = []
  ) -> Outcome {
    var choices: [DeepCertificate.Choice] = []
    func first(_ target: Int) -> DeepCertificate.Choice? { start.first { $0.target == target } }
    let isPlain = iterations == 0
    let bounds = evaluator.bounds(
      reference, region, halfSpaces: halfSpaces, known: known,
      choose: isPlain
        ? nil
        : { node, numbers, bounds in
          let optimizer = PassOptimizer(
            evaluator: evaluator, bounds: bounds, halfSpaces: halfSpaces, iterations: iterations)
          let choice = optimizer.choice(.numbers(numbers), target: node, start: first(node))
          if let choice { choices.append(choice) }
          return choice
        })
    var stage = DeepCertificate.Stage(
      radius: region.radius.isFinite ? region.radius : nil, choices: choices)
    guard let bounds else {
      return Outcome(
        bounds: nil, margins: [Double](repeating: .infinity, count: margins.count), stage: stage)
    }
    let output = evaluator.network.output
    var parameters = PassParameters()
    if !isPlain {
      // Margins are few.
      let optimizer = PassOptimizer(
        evaluator: evaluator, bounds: bounds, halfSpaces: halfSpaces, iterations: 2 * iterations)
      if let choice = optimizer.choice(
        .margins(margins.rows), target: output, start: first(output))
      {
        stage.choices.append(choice)
        parameters.choices[output] = choice
      }
    }
    let values = evaluator.leastOutputs(
      margins.rows, bounds, halfSpaces: halfSpaces, parameters: parameters)
    return Outcome(bounds: bounds, margins: values, stage: stage)
  }
}
