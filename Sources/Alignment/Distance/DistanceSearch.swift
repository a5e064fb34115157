import LinearCore
import Networks

/// The distance of a network f to an ideal classifier F,
///
///     dist(f, F) = inf_{c > 0} sup_{||x||=1} |c f(x) - F(x)|,
///
/// searched in the few dimensions both depend on.
///
/// - *Reduction.* f and F go through ``ReducedNetwork`` together: with Q^T of few orthonormal rows,
///   c f(x) - F(x) = h(Q^T x) up to a bound that is computed. A point of the sphere projects into the ball;
///   since h is positively homogeneous, its extremes over the ball lie on the small sphere, and Q y has
///   the norm of y.
/// - *Starts* lie at both signs of every neuron, of the centres and means the caller names, of their
///   bisectors, and at random. From every start a quasi-Newton method climbs to a local maximum.
/// - *The best c* is found by cutting planes: for the points found so far, inf_c max_i |c f_i - F_i| is a
///   convex problem of one dimension with an exact solution; the maxima at its c join the points, until
///   they add nothing.
///
/// The highest points are refined with all neurons and towards all dimensions, and what is reported is
/// evaluated with the full networks in double precision at unit vectors. It is a *lower estimate* of the
/// supremum: a higher maximum may have been missed. As no more than finitely many points enter, the value
/// at the best c is also a lower bound of the distance itself.
package struct DistanceSearch: Sendable, Codable, Equatable {
  /// The share of the total contributions that the reduction's error bound may reach. Where f and F cannot
  /// be reduced so far, up to 128 dimensions are all searched; with more, ten times the share is tried.
  package var tolerance = 1e-4
  package var randomStarts = 64
  /// Directions whose bisectors are starts: the first ones of ideal neurons, named directions and
  /// neurons of the network.
  package var bisectedDirections = 16
  /// Neurons that are starts, those of largest contribution.
  package var neuronStarts = 64

  package init() {}

  /// Searches the distance at the least-squares c and at the best c.
  ///
  /// - Parameters:
  ///   - samples: fresh samples for the least-squares c, (n, D).
  ///   - directions: further starts, such as subclass centres and class means, (any, D).
  ///   - stream: for random starts.
  /// - Throws: ``NetworkError`` where the ideal classifier is 0 everywhere or LAPACK fails.
  package func run<Scalar: LinearScalar>(
    _ difference: ClassifierDifference<Scalar>, samples: Matrix<Scalar>,
    directions: Matrix<Scalar>? = nil, stream: RandomStream
  ) throws(NetworkError) -> IdealDistance {
    let leastSquares = difference.leastSquaresScale(samples: samples)
    let exact = ClassifierDifference(difference, convertedTo: Double.self)
    let problem = try ReducedDifference(
      exact, tolerance: tolerance, neuronLimit: neuronStarts,
      directions: directions?.converted(to: Double.self))
    let starts = problem.starts(
      bisected: bisectedDirections, random: randomStarts, stream: stream)
    let found = problem.search(scale: leastSquares, starts: starts, stream: stream)
    var pool = found
    var (scale, model) = ScaleProblem.minimum(pool.map(\.values))
    var (rounds, isConfirmed) = (0, false)
    while rounds < 100 {
      rounds += 1
      // The maxima move with c only a little; all starts once more only at the end.
      let near = ReducedDifference.distinct(pool, scale: scale).map(\.point)
      let next =
        isConfirmed
        ? problem.search(
          scale: scale, starts: starts, stream: stream.child("distance-confirmation", rounds))
        : problem.maxima(scale: scale, starts: Matrix(near))
      let higher = next.filter {
        $0.values.distance(scale: scale) > model + 1e-10 * problem.total
      }
      if !higher.isEmpty {
        isConfirmed = false
        pool += higher.prefix(20)
        (scale, model) = ScaleProblem.minimum(pool.map(\.values))
      } else if isConfirmed {
        break
      } else {
        isConfirmed = true
      }
    }
    // The full networks have the last word.
    let first = try exact.refined(
      problem.lift(found), problem: problem, scale: leastSquares)
    var points = problem.lift(pool)
    for _ in 0..<3 {
      (scale, _) = ScaleProblem.minimum(exact.values(points))
      points = try exact.refined(points, problem: problem, scale: scale)
    }
    (scale, _) = ScaleProblem.minimum(exact.values(points))
    return IdealDistance(
      leastSquares: exact.best(first, scale: leastSquares),
      optimised: exact.best(points, scale: scale),
      leastSquaresReductionBound: problem.errorBound(scale: leastSquares),
      optimisedReductionBound: problem.errorBound(scale: scale), rank: problem.rank,
      neurons: problem.neurons, rounds: rounds, maxima: pool.count)
  }
}

extension ClassifierDifference where Scalar == Double {
  /// The points and, refined with all neurons, the few where |c f - F| is largest.
  fileprivate func refined(_ points: Matrix<Double>, problem: ReducedDifference, scale: Double)
    throws(NetworkError) -> Matrix<Double>
  {
    guard let basis = problem.basis else { return points }
    let sizes = values(points).map { $0.distance(scale: scale) }
    let highest = points.rows(
      at: Array(sizes.indices.sorted { (sizes[$1], $0) < (sizes[$0], $1) }.prefix(6)))
    do {
      let better = try FullDimensionRefinement(difference: self, basis: basis).refine(
        highest, scale: scale)
      return Matrix(
        rows: points.rows + better.rows, columns: points.columns,
        elements: points.elements + better.elements)
    } catch { throw NetworkError("\(error)") }
  }
}

/// The result of a ``DistanceSearch``.
package struct IdealDistance: Sendable, Equatable, Codable {
  /// At c = E[f F] / E[f^2], as in the paper.
  package let leastSquares: DistanceEstimate
  /// At the best c found.
  package let optimised: DistanceEstimate
  /// How much sup |c f - F| may lie above what the reduced network can reach, at the least-squares c; 0
  /// where nothing was reduced.
  package let leastSquaresReductionBound: Double
  /// The same at the best c.
  package let optimisedReductionBound: Double
  /// Dimensions searched.
  package let rank: Int
  /// Neurons of c f - F in them.
  package let neurons: Int
  /// Rounds of cutting planes.
  package let rounds: Int
  /// Distinct local maxima found.
  package let maxima: Int
}
