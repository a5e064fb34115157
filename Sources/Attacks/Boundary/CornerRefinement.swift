import LinearCore
import Networks

/// Makes perturbations smaller that lie in a corner of the decision boundary, where pieces of a plain ReLU
/// network meet, or where a target has to overtake several classes at once.
///
/// A step along one piece leads beyond the other there, and ``BoundaryRefinement`` comes to a halt before
/// the nearest point, which lies on several pieces. This one remembers the linearised boundaries of the
/// last points and goes to the smallest perturbation beyond all of them, then to the boundary on the ray
/// through it. What is not smaller is not kept, but its linearised boundary is remembered: it is one that
/// was missing.
struct CornerRefinement<C: Classifier> {
  let problem: AttackProblem<C>
  let steps: Int

  /// Linearised boundaries remembered of each sample.
  private static var memory: Int { 6 }
  private static var smallestReduction: C.Scalar { 1e-7 }
  private static var precision: C.Scalar { 2e-7 }
  /// How far planes are moved into the region of a target, relative to their largest distance.
  private static var depth: C.Scalar { 1e-5 }

  /// <normal, delta> >= offset is where the linearised margin is at most 0.
  private struct Plane {
    let normal: [C.Scalar]
    let offset: C.Scalar
  }

  /// Refined perturbations of samples that are fooled.
  @specialized(where C == PReLUNetwork<Float>)
  func refine(_ start: Matrix<C.Scalar>) -> Matrix<C.Scalar> {
    let norm = problem.threat.norm
    var result = start
    var sizes = problem.sizes(start)
    var planes = [[Plane]](repeating: [], count: problem.count)
    remember(&planes, Array(0..<problem.count), start)
    var active = planes.indices.filter { !planes[$0].isEmpty && sizes[$0] > 0 }
    for _ in 0..<steps where !active.isEmpty {
      var trials = result.rows(at: active)
      var promising: [Int] = []
      var searches: [RaySearch<C.Scalar>] = []
      let nearest = nearestPoints(planes, active, below: sizes)
      for (row, i) in active.enumerated() {
        guard let trial = nearest[row] else { continue }
        let length = norm.length(trial)
        guard length > 0, length < sizes[i] * (1 - Self.smallestReduction) else { continue }
        trials.setRow(row, trial)
        promising.append(row)
        searches.append(
          RaySearch(slope: 0, limit: sizes[i] / length, tolerance: Self.precision))
      }
      trials = trials.rows(at: promising)
      active = promising.map { active[$0] }
      if active.isEmpty { break }
      let part = problem.subset(active)
      // The far end first: where it does not fool, nothing before it does.
      let limits = active.enumerated().map { sizes[$1] / norm.length(trials.row($0)) }
      let search = BoundarySearch(problem: part)
      let ends = search.margins(trials, Array(active.indices), limits)
      for (row, margin) in ends.enumerated() { searches[row].record(limits[row], margin) }
      let fooling = active.indices.filter { ends[$0] < 0 }
      if !fooling.isEmpty {
        let near = search.margins(trials, fooling, fooling.map { _ in 1 })
        for (row, margin) in zip(fooling, near) { searches[row].record(1, margin) }
        var closing = fooling.map { searches[$0] }
        BoundarySearch(problem: part.subset(fooling))
          .run(&closing, trials.rows(at: fooling), evaluations: 8)
        for (row, search) in zip(fooling, closing) { searches[row] = search }
      }
      if problem.targets != nil {
        // A ray may leave the region of a target in its corner.
        let others = active.indices.filter { !(ends[$0] < 0) }
        let near = search.margins(trials, others, others.map { _ in 1 })
        for (row, margin) in zip(others, near) where margin < 0 {
          searches[row] = RaySearch(slope: 0, tolerance: Self.precision)
          searches[row].record(1, margin)
        }
      }
      for row in active.indices {
        trials.scaleRow(row, by: searches[row].upper?.scale ?? limits[row])
      }
      if problem.threat.box != nil {
        part.project(&trials, radii: active.map { _ in .infinity })
      }
      remember(&planes, active, trials)
      let found = part.sizes(trials)
      for (row, i) in active.enumerated()
      where searches[row].upper != nil && found[row] < sizes[i] {
        sizes[i] = found[row]
        result.copyRow(i, from: trials, row: row)
      }
    }
    return result
  }

  /// Adds the linearised boundaries at some points.
  private func remember(_ planes: inout [[Plane]], _ rows: [Int], _ points: Matrix<C.Scalar>) {
    let part = rows.count == problem.count ? problem : problem.subset(rows)
    let (margins, gradients) = part.marginsAndGradients(points)
    for (row, i) in rows.enumerated() {
      let gradient = gradients.row(row)
      let length = Norm.l2.length(gradient)
      guard length > 0, length.isFinite, margins[row].isFinite else { continue }
      let normal = gradient.map { -$0 / length }
      let reached = zip(normal, points.row(row)).reduce(0) { $0 + $1.0 * $1.1 }
      planes[i].append(Plane(normal: normal, offset: reached + margins[row] / length))
      if planes[i].count > Self.memory { planes[i].removeFirst() }
    }
  }

  /// For each of some samples the smallest perturbation beyond all its planes; perhaps nil where it is no
  /// smaller than the size known.
  private func nearestPoints(
    _ planes: [[Plane]], _ samples: [Int], below sizes: [C.Scalar]
  ) -> [[C.Scalar]?] {
    if problem.threat.norm == .l2 && problem.threat.box == nil {
      return samples.map { Self.nearestPoint(moved(planes[$0])) }
    }
    var result = [[C.Scalar]?](repeating: nil, count: samples.count)
    result.withUnsafeMutableBufferPointer { result in
      nonisolated(unsafe) let result = result
      Parallel.forEach(samples.count) { row in
        let i = samples[row]
        result[row] = nearestPoint(moved(planes[i]), of: i, below: sizes[i])
      }
    }
    return result
  }

  /// Planes moved a little into the region of a target, so that its corners are inside.
  private func moved(_ planes: [Plane]) -> [Plane] {
    if problem.targets == nil { return planes }
    let move = Self.depth * planes.reduce(0) { max($0, $1.offset.magnitude) }
    return planes.map { Plane(normal: $0.normal, offset: $0.offset + move) }
  }

  /// Perturbations of samples that nothing is known to fool: to the nearest point beyond the linearised
  /// boundaries at the sample, from there beyond those met on the way as well, until it fools.
  func reach() -> Matrix<C.Scalar> {
    var result = Matrix<C.Scalar>(rows: problem.count, columns: problem.inputs.columns)
    var planes = [[Plane]](repeating: [], count: problem.count)
    let unknown = [C.Scalar](repeating: .infinity, count: problem.count)
    var active = Array(0..<problem.count)
    for _ in 0..<steps where !active.isEmpty {
      remember(&planes, active, result.rows(at: active))
      for (row, point) in nearestPoints(planes, active, below: unknown).enumerated() {
        // Boundaries that exclude each other are not those of one region: the oldest is forgotten.
        if let point {
          result.setRow(active[row], point)
        } else if !planes[active[row]].isEmpty {
          planes[active[row]].removeFirst()
        }
      }
      if problem.threat.box != nil { problem.project(&result, radii: unknown) }
      let fooled = problem.isFooled(result)
      active.removeAll { fooled[$0] }
    }
    return result
  }

  /// The smallest perturbation of a sample beyond all planes, in any norm and box.
  private func nearestPoint(_ planes: [Plane], of sample: Int, below limit: C.Scalar)
    -> [C.Scalar]?
  {
    let (norm, box) = (problem.threat.norm, problem.threat.box)
    let input = problem.inputs.row(sample).map { Double($0) }
    let room = box.map { box in
      (
        below: input.indices.map { input[$0] - Double(box.range(at: $0).lowerBound) },
        above: input.indices.map { Double(box.range(at: $0).upperBound) - input[$0] }
      )
    }
    let intersection = PlaneIntersection(
      normals: planes.map { $0.normal.map { Double($0) } },
      offsets: planes.map { Double($0.offset) },
      ball: PlaneIntersection.Ball(norm: norm, room: room))
    return intersection.nearestPoint(below: Double(limit)).map { $0.map { C.Scalar($0) } }
  }

  /// The smallest vector beyond all planes, sum_j m_j normal_j with multipliers m_j >= 0.
  private static func nearestPoint(_ planes: [Plane]) -> [C.Scalar]? {
    let count = planes.count
    if count == 0 { return nil }
    var products = [Double](repeating: 0, count: count * count)
    for a in 0..<count {
      for b in 0...a {
        let product = zip(planes[a].normal, planes[b].normal).reduce(0) {
          $0 + Double($1.0) * Double($1.1)
        }
        products[a * count + b] = product
        products[b * count + a] = product
      }
    }
    let multipliers = Self.multipliers(products, planes.map { Double($0.offset) })
    var point = [Double](repeating: 0, count: planes[0].normal.count)
    for (plane, multiplier) in zip(planes, multipliers) where multiplier > 0 {
      for j in point.indices { point[j] += multiplier * Double(plane.normal[j]) }
    }
    return point.map { C.Scalar($0) }
  }

  /// The multipliers, by trying every set of planes that may be met exactly: of those whose multipliers
  /// are not negative the one that misses the other planes least, and by nothing if it can be.
  private static func multipliers(_ products: [Double], _ offsets: [Double]) -> [Double] {
    let count = offsets.count
    var best = offsets.map { _ in 0.0 }
    var least = Double.infinity
    for set in 1..<(1 << count) {
      let members = (0..<count).filter { set >> $0 & 1 == 1 }
      guard let solution = solve(members, products, offsets), solution.allSatisfy({ $0 >= 0 })
      else { continue }
      var worst = 0.0
      for a in 0..<count where set >> a & 1 == 0 {
        var missing = offsets[a]
        for (k, b) in members.enumerated() { missing -= products[a * count + b] * solution[k] }
        worst = max(worst, missing)
      }
      if worst >= least { continue }
      least = worst
      best = offsets.map { _ in 0 }
      for (k, a) in members.enumerated() { best[a] = solution[k] }
    }
    return best
  }

  /// The multipliers of some planes for which all are met exactly, by Cholesky's factorisation; nil where
  /// two are almost parallel.
  private static func solve(_ members: [Int], _ products: [Double], _ offsets: [Double])
    -> [Double]?
  {
    let (size, count) = (members.count, offsets.count)
    var factor = [Double](repeating: 0, count: size * size)
    var x = members.map { offsets[$0] }
    for i in 0..<size {
      for j in 0...i {
        var value = products[members[i] * count + members[j]]
        for k in 0..<j { value -= factor[i * size + k] * factor[j * size + k] }
        if i == j {
          guard value > 1e-10 else { return nil }
          factor[i * size + i] = value.squareRoot()
        } else {
          factor[i * size + j] = value / factor[j * size + j]
        }
      }
      for k in 0..<i { x[i] -= factor[i * size + k] * x[k] }
      x[i] /= factor[i * size + i]
    }
    for i in stride(from: size - 1, through: 0, by: -1) {
      for k in (i + 1)..<max(size, i + 1) { x[i] -= factor[k * size + i] * x[k] }
      x[i] /= factor[i * size + i]
    }
    return x
  }
}
