import DeepNetworks
import LinearCore
import Networks

/// Training on the worst samples around the given ones instead of these: projected gradient ascent of the
/// loss in a ball around every sample, from a random point (Madry et al., *Towards deep learning models
/// resistant to adversarial attacks*, ICLR 2018).
///
/// A step goes along g / ||g|| for l2, and along sign(g) for linf. Gradients are those of the network as it
/// is evaluated, without dropout. The attack `ProjectedGradientDescent` follows the margin, not the loss, by
/// steps that become shorter, and projects on ball and box together; both project on balls by
/// `Norm.project`.
public struct AdversarialTrainingConfiguration: Sendable, Equatable, Codable {
  /// The norm of the ball: l2 or linf.
  public var norm: Norm
  /// The radius of the ball; 0 trains on the samples themselves.
  public var epsilon: Double
  /// Steps of the ascent.
  public var steps: Int
  /// The length of a step in the norm.
  public var stepSize: Double
  /// The range of coordinates in which examples stay, such as 0...1 for pixels; nil for none.
  public var box: ClosedRange<Double>?

  /// A configuration. Steps are two radii long altogether unless given, so that an example may cross the
  /// ball.
  public init(
    norm: Norm = .l2, epsilon: Double, steps: Int, stepSize: Double? = nil,
    box: ClosedRange<Double>? = nil
  ) {
    self.norm = norm
    self.epsilon = epsilon
    self.steps = steps
    self.stepSize = stepSize ?? 2 * epsilon / Double(max(1, steps))
    self.box = box
  }

  /// The samples to train on instead of the given ones.
  ///
  /// - Parameters:
  ///   - inputs: (n, inputDimension), inside the box.
  ///   - labels: the class of each row.
  ///   - stream: sample i starts from where the child ("sample", numbers[i]) says.
  ///   - numbers: the samples' numbers in the data, so that what happens to one does not depend on its
  ///     place in the batch.
  /// - Returns: samples in the box and in the balls, up to rounding.
  public func examples<Scalar: LinearScalar>(
    _ network: DeepNetwork<Scalar>, inputs: Matrix<Scalar>, labels: [Int], loss: Loss,
    stream: RandomStream, numbers: [Int]
  ) -> Matrix<Scalar> {
    precondition(inputs.rows == labels.count && labels.count == numbers.count)
    if epsilon == 0 { return inputs }
    var examples = randomPoints(inputs, stream, numbers)
    for _ in 0..<steps {
      let (_, gradient) = network.logitsAndInputGradient(examples) { logits, rows in
        loss.valueAndDerivative(logits, labels: Array(labels[rows])).derivative
      }
      move(&examples, along: gradient, around: inputs)
    }
    return examples
  }

  /// A random point in the ball of every sample, and in the box.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func randomPoints<Scalar: LinearScalar>(
    _ inputs: Matrix<Scalar>, _ stream: RandomStream, _ numbers: [Int]
  ) -> Matrix<Scalar> {
    var result = inputs
    let count = inputs.columns
    forEachRow(of: &result, inputs) { row, point, center in
      var generator = stream.child("sample", numbers[row])
      if norm == .linf {
        for j in 0..<count { point[j] += Scalar(epsilon * (2 * generator.nextUniform() - 1)) }
      } else {
        let size = Scalar(epsilon * generator.nextUniform())
        let direction = (0..<count).map { _ in Scalar(generator.nextGaussian()) }
        let factor = size / Scalar.euclideanNorm(count, direction)
        for j in 0..<count { point[j] += factor * direction[j] }
      }
    }
    return result
  }

  /// One step and back into ball and box.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func move<Scalar: LinearScalar>(
    _ examples: inout Matrix<Scalar>, along gradient: Matrix<Scalar>,
    around inputs: Matrix<Scalar>
  ) {
    let count = inputs.columns
    let length = Scalar(stepSize)
    gradient.withPointer { gradient in
      nonisolated(unsafe) let gradient = gradient
      forEachRow(of: &examples, inputs) { row, point, center in
        let g = gradient + row * count
        if norm == .linf {
          for j in 0..<count where g[j] != 0 { point[j] += g[j] > 0 ? length : -length }
        } else {
          let size = RowKernels.norm(count, g)
          // Where the gradient vanishes the sample stays where it is.
          if size >= Scalar.leastNormalMagnitude && size.isFinite {
            for j in 0..<count { point[j] += length * (g[j] / size) }
          }
        }
      }
    }
  }

  /// Changes every row and projects it on its ball, then on the box, which leaves the ball to no row
  /// whose centre lies in the box.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func forEachRow<Scalar: LinearScalar>(
    of points: inout Matrix<Scalar>, _ centers: Matrix<Scalar>,
    _ change: (Int, UnsafeMutablePointer<Scalar>, UnsafePointer<Scalar>) -> Void
  ) {
    let (rows, count) = (points.rows, points.columns)
    let radius = Scalar(epsilon)
    let bounds = box.map { (Scalar($0.lowerBound), Scalar($0.upperBound)) }
    points.withMutablePointer { points in
      centers.withPointer { centers in
        nonisolated(unsafe) let (points, centers) = (points, centers)
        Parallel.forEachBlock(of: rows, size: 32) { _, range in
          for row in range {
            let (point, center) = (points + row * count, centers + row * count)
            change(row, point, center)
            for j in 0..<count { point[j] -= center[j] }
            norm.project(UnsafeMutableBufferPointer(start: point, count: count), radius: radius)
            for j in 0..<count { point[j] += center[j] }
            guard let (lower, upper) = bounds else { continue }
            for j in 0..<count { point[j] = min(max(point[j], lower), upper) }
          }
        }
      }
    }
  }

  /// - Throws: ``TrainingError`` naming the first setting out of range.
  func validate() throws(TrainingError) {
    guard norm != .l1 else {
      throw .invalid(field: "adversarial-norm", found: norm.rawValue, expected: "l2 or linf")
    }
    for (field, value) in [("adversarial-epsilon", epsilon), ("adversarial-step", stepSize)] {
      guard value >= 0, value.isFinite else {
        throw .invalid(field: field, found: "\(value)", expected: "a finite number of at least 0")
      }
    }
    guard steps >= 1 else {
      throw .invalid(
        field: "adversarial-steps", found: "\(steps)", expected: "a whole number of at least 1")
    }
  }
}
