import Certification
import Datasets
import LinearCore
import Networks
import Testing
import Training

@testable import Experiments
@testable import Runs
@testable import Studies

/// In a reduced space there are as many ways out as subclasses of other classes, of nearly the same length.
@Suite struct NearMinimaTests {
  /// On this network the radius of one of 300 samples lay 0.15% above its bound, and at another scale not.
  @Test func radiiAreMinimalWhateverTheScale() throws {
    let mixture = OrthonormalMixture(dimension: 200, alpha: 0.1, samples: 3000)
    let (train, test) = try mixture.trainAndTest(seed: 2)
    let training = TrainingConfiguration(epochs: 101, seed: 2)
    let model = ModelConfiguration(
      exponent: 3, hiddenWidth: 200, initialization: .gaussian(scale: 1e-7))
    var trainer = try Trainer<Float>(data: train, model: model, training: training)
    while !trainer.isFinished { try trainer.runEpoch() }
    let network = trainer.network
    let data = test.prefix(300)
    let bounds = try RadiusCertifier(network).certify(data.inputs, labels: data.labels)
    let study = RobustnessStudy(norm: .l2)
    for factor: Float in [1, 3, 1e5, 1e-5, 0.7] {
      var scaled = network
      scaled.outputWeights.elements = scaled.outputWeights.elements.map { factor * $0 }
      let found = try study.run(scaled, data: data, reference: train)
      #expect(found.reduction != nil && found.cleanAccuracy == 1)
      for (sample, bound) in zip(found.samples, bounds) {
        #expect(
          sample.radius <= bound.lower * 1.001 && sample.radius >= bound.lower * (1 - 1e-6),
          "sample \(sample.index) at \(factor): \(sample.radius), bound \(bound.lower)")
      }
    }
  }
}
