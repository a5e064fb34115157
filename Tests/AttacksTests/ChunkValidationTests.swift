import Attacks
import LinearCore
import Networks
import Testing

/// An evaluation believes nothing that a store gives it: perturbations are tried again.
@Suite struct ChunkValidationTests {
  private final class Store: EvaluationStore {
    var chunks: [Int: EvaluationChunk<Float>] = [:]
    var rejected: [String] = []
    func chunk(_ number: Int) -> EvaluationChunk<Float>? { chunks[number] }
    func keep(_ chunk: EvaluationChunk<Float>, number: Int) { chunks[number] = chunk }
    func reject(_ number: Int, reason: String) { rejected.append(reason) }
  }

  private let problem = NoisyProblem(alpha: 0.1)

  private func run(_ exponent: Double, _ store: Store) throws -> (RobustnessResult<Float>, Int) {
    let network = problem.ideal(exponent)
    var attacks = 0
    let result = try problem.evaluation(network).run(
      network, inputs: problem.inputs, labels: problem.labels, store: store
    ) { _ in attacks += 1 }
    return (result, attacks)
  }

  @Test(arguments: [1, 1.5, 3, 6]) func wholeChunksAreTaken(_ exponent: Double) throws {
    let store = Store()
    let (whole, _) = try run(exponent, store)
    let (again, attacks) = try run(exponent, store)
    #expect(attacks == 0 && store.rejected.isEmpty, "\(store.rejected)")
    #expect(again.samples == whole.samples && again.perturbations == whole.perturbations)
  }

  @Test func changedChunksAreAttackedAgain() throws {
    let store = Store()
    let (whole, all) = try run(3, store)
    let good = try #require(store.chunks[0])
    func changed(
      rows: [Int]? = nil, _ change: (inout EvaluationChunk<Float>) -> Void = { _ in }
    ) -> EvaluationChunk<Float> {
      var chunk = EvaluationChunk(
        rows: rows ?? good.rows, radii: good.radii, attacks: good.attacks,
        perturbations: good.perturbations, gradientPasses: good.gradientPasses,
        forwardPasses: good.forwardPasses, unconfirmed: good.unconfirmed)
      change(&chunk)
      return chunk
    }
    let found = try #require(good.radii.firstIndex { $0.isFinite })
    let columns = good.perturbations.columns
    func scaled(_ factor: Float) -> EvaluationChunk<Float> {
      changed { $0.perturbations.elements = $0.perturbations.elements.map { $0 * factor } }
    }
    let wrong: [String: EvaluationChunk<Float>] = [
      "negated radii": changed { $0.radii = $0.radii.map { -$0 } },
      "x 1e30": scaled(1e30), "x 1.5": scaled(1.5), "x 0.9": scaled(0.9), "x -1": scaled(-1),
      "NaN": changed { $0.perturbations[found, 0] = .nan },
      "NaN radius": changed { $0.radii[found] = .nan },
      "smaller together": changed {
        $0.radii[found] *= 0.9
        $0.perturbations.scaleRow(found, by: 0.9)
      },
      // The same 1.5 times larger would be true: not the smallest, but it fools at that size.
      "wider": changed {
        $0.perturbations = Matrix(rows: good.rows.count, columns: columns + 1)
      },
      "fewer rows": changed { $0.perturbations = Matrix(rows: 0, columns: columns) },
      "other rows": changed(rows: good.rows.map { $0 + 1 }),
      "huge rows": changed(rows: good.rows.map { _ in .max }),
      "fewer radii": changed { $0.radii.removeLast() },
      "no attack": changed { $0.attacks[found] = nil },
      "negative passes": changed { $0.gradientPasses[0] = -1 },
      "huge passes": changed { $0.forwardPasses[0] = .max },
      "unconfirmed": changed { $0.unconfirmed = .max },
    ]
    for (name, chunk) in wrong {
      store.chunks = [0: chunk]
      store.rejected = []
      let (again, attacks) = try run(3, store)
      #expect(store.rejected.count == 1 && attacks == all, "\(name)")
      // Compared as a whole: what differs would fill pages.
      let isSame = again.samples == whole.samples && again.perturbations == whole.perturbations
      #expect(isSame, "\(name)")
    }
  }
}
