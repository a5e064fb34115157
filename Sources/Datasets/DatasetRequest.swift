/// What a person asks for when naming data: a name or file, and the options that go with it.
package struct DatasetRequest: Sendable, Equatable, Codable {
  /// A name of ``DatasetCatalog`` or the path of a `.npz`, `.safetensors`, `.npy` or `.csv` file.
  package var data: String
  /// How categories become labels; nil takes every category as a class.
  package var labels: LabelRule?
  /// The part of the data; nil takes the default of the data set.
  package var split: String?
  /// The parameters of `mixture`; other data ignore them.
  package var mixture: OrthonormalMixture
  /// The seed of `mixture`; other data ignore it.
  package var seed: UInt64
  /// How a file is to be read; nil where nothing is said about it.
  package var file: FeatureOptions?

  package init(
    data: String, labels: LabelRule? = nil, split: String? = nil,
    mixture: OrthonormalMixture = OrthonormalMixture(), seed: UInt64 = 0
  ) {
    self.data = data
    self.labels = labels
    self.split = split
    self.mixture = mixture
    self.seed = seed
  }
}
