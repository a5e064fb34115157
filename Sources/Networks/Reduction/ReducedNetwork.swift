import LinearCore

/// What a reduction leaves of a network, and how exact it is.
package struct ReductionSummary: Sendable, Equatable {
  /// Hidden neurons left, of ``originalNeurons``.
  package let neurons: Int
  /// The dimension the reduced network works in, of ``originalDimension``.
  package let rank: Int
  /// B in |f(x) - f_reduced(x)| <= B ||x - center||^p, for every output and every x; with hidden biases
  /// B ||(x - center, 1)||^p.
  package let errorBound: Double
  /// The sum over neurons of max_c |V_cj| ||w_j||, which bounds |f(x) - bias| in the same way.
  package let totalContribution: Double
  /// Hidden neurons of the network.
  package let originalNeurons: Int
  /// Input coordinates of the network.
  package let originalDimension: Int

  /// The summary of the same reduction of the network times a number.
  package func scaled(by factor: Double) -> ReductionSummary {
    ReductionSummary(
      neurons: neurons, rank: rank, errorBound: factor * errorBound,
      totalContribution: factor * totalContribution, originalNeurons: originalNeurons,
      originalDimension: originalDimension)
  }
}

/// A network in few dimensions with few neurons in the place of one with many, for attacks in l2.
///
/// A trained network from small initialisation depends on x through a few directions only. With Q an
/// orthonormal basis of them, f(x) = g(Q^T (x - center)) up to a bound that is computed, not estimated.
/// A perturbation d of the reduced input lifts to Q d of the same Euclidean norm; components outside the
/// span change nothing and only cost norm, so the smallest perturbation lies inside.
///
/// Three steps, each with its bound. Let x be shifted by the center, u_j = w_j / ||w_j||,
/// a_j = ||w_j|| V_:j, s_j = max_c |a_cj|, A = sum_j s_j and phi(t) = relu(t)^p; then
/// f(x) - bias = sum_j a_j phi(<u_j, x>).
///
/// 1. *Neurons of least weight are dropped.* phi(<u_j, x>) <= ||x||^p: an output changes by at most the
///    sum of the dropped s_j times ||x||^p.
/// 2. *Directions are projected*, u_j to P u_j with P = Q Q^T, and
/// 3. *neurons of similar direction are merged*: P u_j becomes the mean m_j of its group, and the a_j of
///    a group add up. Parallel neurons merge exactly, with contributions of either sign.
///
/// For steps 2 and 3 let d_j = u_j - m_j. All of <u_j, x> and <m_j, x> are at most ||x|| in size, where
/// phi' <= p ||x||^(p-1), so an output changes by at most
///
///     p ||x||^(p-1) sum_j s_j |<d_j, x>| <= p ||x||^(p-1) sqrt(A sum_j s_j <d_j, x>^2)
///                                        <= p sqrt(A) sigma ||x||^p
///
/// (Cauchy-Schwarz), with sigma the largest singular value of the matrix of rows sqrt(s_j) d_j. Its parts
/// outside and inside the span are orthogonal: sigma^2 <= sigma_outside^2 + sigma_inside^2. Q holds the
/// leading right singular vectors of the rows sqrt(s_j) u_j, hence sigma_outside is the first singular
/// value left out, or, where a sample of the span is enough, a bound of it. After training from small
/// balanced initialisation, ||v_j|| = ||w_j|| with one output, these rows are the weights themselves, and
/// what is left out is the initialisation that training never changed.
///
/// The bounds are those of exact arithmetic; rounding in `Scalar` comes on top in either network.
///
/// With hidden biases all of this is about (x, 1) and (w_j, b_j) in the places of x and w_j. The last coordinate
/// is no adversary's to move, so only the others are projected.
///
/// With input normalisation f depends on ||x - center||, and so on all dimensions: not reducible.
package struct ReducedNetwork<Scalar: LinearScalar>: Sendable {
  /// The network of `rank` inputs: no center, the same outputs and bias.
  package let network: PReLUNetwork<Scalar>
  /// Q^T: orthonormal rows, (rank, inputDimension of the original).
  package let basis: Matrix<Double>
  /// What is left and how exact it is.
  package let summary: ReductionSummary
  private let center: [Double]?

  /// The share of ``ReductionSummary/totalContribution`` that the error bound may reach by default.
  package static var defaultTolerance: Double { 1e-4 }

  /// Reduces a network.
  ///
  /// - Parameters:
  ///   - tolerance: `errorBound` is at most this share of `totalContribution`.
  ///   - halvesDimension: whether a rank of half the dimension or more, with which attacks would gain
  ///     nothing, is refused.
  /// - Throws: ``NetworkError`` saying why the network cannot be reduced: input normalisation, silence, or
  ///   the rank.
  package init(
    _ original: PReLUNetwork<Scalar>, tolerance: Double = Self.defaultTolerance,
    halvesDimension: Bool = true
  ) throws(NetworkError) {
    precondition(tolerance >= 0, "a share of the total")
    if original.normalizeInput {
      throw NetworkError("with input normalisation outputs depend on all dimensions of an input")
    }
    var reduction = NetworkReduction(original)
    let (total, p) = (reduction.total, original.exponent)
    guard total > 0, total.isFinite else {
      throw NetworkError("no neuron contributes to an output")
    }
    // A quarter for dropping. Of the rest, 0.7 in either orthogonal part make less than 1; rounding of
    // the factorisations needs a little even for an exact reduction.
    let budget = max(tolerance, 1e-13) * total
    reduction.drop(budget: budget / 4)
    let limit = 0.7 * (budget - reduction.dropped) / (p * total.squareRoot())
    do { try reduction.project(limit: limit) } catch { throw NetworkError("\(error)") }
    let (rank, dimension) = (reduction.basis.rows, original.inputDimension)
    guard !halvesDimension || 2 * rank < dimension else {
      throw NetworkError("the outputs depend on \(rank) of \(dimension) dimensions")
    }
    do { try reduction.merge(limit: limit) } catch { throw NetworkError("\(error)") }
    network = try Self.network(
      reduction, bias: original.outputBias, hasHiddenBias: original.hasHiddenBias)
    basis = reduction.basis
    center = original.center?.map { Double($0) }
    summary = ReductionSummary(
      neurons: network.hiddenWidth, rank: basis.rows, errorBound: reduction.errorBound,
      totalContribution: total, originalNeurons: original.hiddenWidth,
      originalDimension: original.inputDimension)
  }

  /// a phi(<m, x>) as a neuron: weight m, output weight a ||m||^(p-1).
  private static func network(
    _ reduction: NetworkReduction, bias: [Scalar]?, hasHiddenBias: Bool
  ) throws(NetworkError) -> PReLUNetwork<Scalar> {
    var output = reduction.contributions
    for (j, norm) in reduction.directions.rowNorms().enumerated() {
      output.scaleRow(j, by: Double.power(norm, reduction.exponent - 1))
    }
    return try PReLUNetwork(
      exponent: reduction.exponent, hiddenWeights: reduction.directions.converted(),
      outputWeights: output.transposed.converted(), outputBias: bias,
      hasHiddenBias: hasHiddenBias)
  }
}

extension ReducedNetwork {
  /// Q^T (x - center) of every row: (n, inputDimension) to (n, rank).
  package func project(_ inputs: Matrix<Scalar>) -> Matrix<Scalar> {
    project(inputs, minus: center)
  }

  /// Q^T v of every row, for directions and perturbations: (n, inputDimension) to (n, rank).
  package func project(directions: Matrix<Scalar>) -> Matrix<Scalar> {
    project(directions, minus: nil)
  }

  private func project(_ rows: Matrix<Scalar>, minus center: [Double]?) -> Matrix<Scalar> {
    precondition(rows.columns == basis.columns, "inputs of another dimension than the network's")
    var elements: [Scalar] = []
    elements.reserveCapacity(rows.rows * basis.rows)
    // In Double, block by block: the data need not fit in memory twice more.
    for start in stride(from: 0, to: rows.rows, by: 1024) {
      var block = rows.rows(in: start..<min(rows.rows, start + 1024)).converted(to: Double.self)
      if let center { block.subtractFromRows(center) }
      let projected = Matrix.product(block, basis, transposeB: true)
      elements += projected.converted(to: Scalar.self).elements
    }
    return Matrix(rows: rows.rows, columns: basis.rows, elements: elements)
  }

  /// Q d of every row, of the same Euclidean norm: (n, rank) to (n, inputDimension).
  package func lift(_ perturbations: Matrix<Scalar>) -> Matrix<Scalar> {
    Matrix.product(perturbations.converted(to: Double.self), basis).converted()
  }

  /// How far the reduction may have moved the decision boundary at some points of it, to first order:
  /// the error of the margin, B ||x - center||^p (twice that for several outputs), divided by the norm of
  /// the margin's gradient. Infinite where the gradient vanishes.
  ///
  /// - Parameters:
  ///   - inputs: points near the boundary, such as adversarial samples: (n, inputDimension).
  ///   - labels: the class each is, or should be, taken for.
  package func radiusUncertainty(at inputs: Matrix<Scalar>, labels: [Int]) -> [Double] {
    precondition(inputs.rows == labels.count, "one label a row")
    let (_, gradients) = network.logitsAndInputGradient(project(inputs)) { logits, rows in
      var cotangent = Matrix<Scalar>(rows: logits.rows, columns: logits.columns)
      for i in 0..<logits.rows {
        let label = labels[rows.lowerBound + i]
        if logits.columns == 1 {
          cotangent[i, 0] = 1
        } else {
          cotangent[i, label] = 1
          cotangent[i, strongestOther(logits, i, label)] = -1
        }
      }
      return cotangent
    }
    let bound = summary.errorBound * (network.outputCount == 1 ? 1 : 2)
    var shifted = inputs.converted(to: Double.self)
    if let center { shifted.subtractFromRows(center) }
    shifted = network.hasHiddenBias ? shifted.appendingOnes() : shifted
    return zip(shifted.rowNorms(), gradients.rowNorms()).map { size, slope in
      let error = bound * Double.power(size, network.exponent)
      return error == 0 ? 0 : error / Double(slope)
    }
  }
}
