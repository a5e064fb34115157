import LinearCore
import Networks
import Testing

@Suite struct FeatureStatisticsTests {
  @Test(arguments: ModelCase.all.filter { $0.loss == .logistic || $0.loss == .crossEntropy })
  func agreesWithTheFeaturesThemselves(_ model: ModelCase) throws {
    let network: PReLUNetwork<Double> = model.network(width: 30)
    let inputs = Matrix<Double>.gaussian(rows: 300, columns: 6, stream: RandomStream(seed: 5))
    let labels = (0..<300).map { $0 % max(2, model.outputs) }
    let statistics = network.featureStatistics(
      network.prepare(inputs), labels: labels, loss: model.loss)
    let values = try network.hiddenFeatures(inputs).singularValues()
    let exact = values.reduce(0) { $0 + $1 * $1 } / (values[0] * values[0])
    #expect(abs(statistics.stableRank / exact - 1) < 1e-6)
    let logits = network.logits(inputs)
    #expect(abs(statistics.loss - model.loss.mean(logits, labels: labels)) < 1e-12)
    #expect(statistics.accuracy == network.accuracy(inputs, labels: labels))
  }
}
