import Attacks
import Datasets
import Foundation
import LinearCore
import Networks
import Testing

private let folder = ProcessInfo.processInfo.environment["POLYRELU_DATA"]

private let dataIsThere =
  ["pretrained/mnist-digits-p1.safetensors", "mnist/train-images-idx3-ubyte.gz"]
  .allSatisfy { name in
    folder.map { FileManager.default.fileExists(atPath: "\($0)/\(name)") } ?? false
  }

/// DDN and FMN against the DDN of adv-lib on the networks that the paper's authors published.
///
/// Needs `mnist/` and `pretrained/` in `$POLYRELU_DATA`, and is skipped without. The expected numbers
/// are made by `Fixtures/make_minimum_norm_reference.py`.
@Suite(.tags(.slow), .enabled(if: dataIsThere))
struct MinimumNormReferenceTests {
  struct Reference: Decodable {
    struct Entry: Decodable {
      let p: Int
      let attack: String
      /// Nil where the reference does not fool half of the samples.
      let medianRadius: Double?
    }
    let samples: Int
    let entries: [Entry]
  }

  @Test(arguments: [1, 3], ["ddn", "fmn"]) func medianRadiiAreAsSmall(_ p: Int, _ name: String)
    throws
  {
    let url = Bundle.module.url(
      forResource: "minimum_norm_reference", withExtension: "json", subdirectory: "Fixtures")!
    let reference = try JSONDecoder().decode(Reference.self, from: Data(contentsOf: url))
    let network: PReLUNetwork<Float> = try ModelFile.read(
      "\(folder!)/pretrained/mnist-digits-p\(p).safetensors", exponent: Double(p),
      normalizeInput: true)
    let data = try DatasetCatalog.load(DatasetRequest(data: "mnist", split: "paper-test"))
      .prefix(reference.samples)
    let evaluation = RobustnessEvaluation<PReLUNetwork<Float>>(
      threat: ThreatModel(norm: .l2, box: 0...1), attacks: try AttackCatalog.attacks(named: name),
      references: AttackReferences(dimension: data.dimension), epsilons: [],
      stream: RandomStream(seed: 0))
    let radii = try evaluation.run(network, inputs: data.inputs, labels: data.labels)
      .samples.map(\.radius).sorted()
    // As torch's median has it: of two middle numbers the lower.
    let median = radii[(radii.count - 1) / 2]
    // The reference's FMN misses samples; ours has to be as good as its DDN.
    let expected = try #require(
      reference.entries.first { $0.p == p && $0.attack == "ddn" }?.medianRadius)
    print("p = \(p), \(name): median \(median), reference DDN \(expected)")
    #expect(radii.last! < .infinity)
    #expect(median <= expected * 1.01)
  }
}
