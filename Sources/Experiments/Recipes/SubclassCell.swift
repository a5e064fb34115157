import Datasets

/// A degree, and a mixture with half of its K subclasses in each class.
struct SubclassCell: GridCell {
  let p: Double
  let alpha: Double
  let subclasses: Int

  var parameters: [Parameter] {
    [Parameter("p", p), Parameter("alpha", alpha), Parameter("K", Double(subclasses))]
  }

  func mixture(dimension: Int, samples: Int) -> OrthonormalMixture {
    OrthonormalMixture(
      dimension: dimension, subclasses: subclasses, positive: subclasses / 2, alpha: alpha,
      samples: samples)
  }
}
