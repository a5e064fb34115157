/// Recomputes proofs that no point at all loses the label.
///
/// Without bias the margin is homogeneous in y = x + d, distances from the center: m(s y) = s^p m(y). If it is lost at some
/// y, it is lost on the surface of the cube max |y_i| <= 1 as well. At y = 0 the margin is 0, and the label has to
/// be one that ties are decided for.
struct ConeKernel {
  /// Of a ball that contains the cube.
  let kernel: LineKernel
  private let problem: DecisionProblem

  /// Nil where the margin is not homogeneous, or ties lose the label.
  init?(_ problem: DecisionProblem, isWhole: Bool) {
    guard isWhole, problem.isHomogeneous, problem.keepsTies else { return nil }
    self.problem = problem
    let n = Double(problem.dimension)
    let radius = 2 * (problem.distance.upperBound + n.squareRoot())
    guard radius <= CertificateKernel.largestRadius else { return nil }
    kernel = LineKernel(problem, norm: .l2, radius: radius, isWhole: true)
  }

  /// The number of faces: y_0 = 1, y_0 = -1, y_1 = 1 and so on.
  var faceCount: Int { 2 * problem.dimension }

  /// A little more than a face; nil where that is no box.
  func box(ofFace number: Int) -> CoordinateBox? {
    guard var box = kernel.root else { return nil }
    for (i, x) in problem.point.enumerated() {
      let k = problem.against + i
      let room = 1e-12 * (1 + x.magnitude)
      let sign = number % 2 == 0 ? 1.0 : -1
      let (low, high) = i == number / 2 ? (sign, sign) : (-1, 1)
      (box.lower[k], box.upper[k]) = (low - x - room, high - x + room)
    }
    return kernel.tightened(box)
  }

  /// Whether nothing on a face loses the label: nothing in the ball, that is.
  func proves(_ faces: [[BranchCertificate.Node]]) -> Bool {
    guard faces.count == faceCount else { return false }
    return faces.enumerated().allSatisfy { number, nodes in
      guard let box = box(ofFace: number), let bound = kernel.leastBound(nodes, box) else {
        return false
      }
      return bound > kernel.radius
    }
  }
}
