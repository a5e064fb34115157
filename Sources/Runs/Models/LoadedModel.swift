import Datasets
import Formats
import LinearCore
import Networks

/// A network from a file, and what the file says about its classes. Labels of data are mapped onto them by
/// value.
package struct LoadedModel: Sendable {
  package let network: StoredModel
  /// The values of its classes in the order of its outputs; nil where neither the file nor its user says
  /// them.
  package let classes: [ClassLabel]?
  /// What errors call it.
  private let name: String

  /// A network in memory.
  ///
  /// - Parameters:
  ///   - name: what errors call it.
  ///   - classes: the values of its classes, different ones and no more than it tells apart; nil where nobody says
  ///     them.
  package init(_ network: StoredModel, name: String, classes: [ClassLabel]? = nil) {
    (self.network, self.name, self.classes) = (network, name, classes)
  }

  /// Reads a model file.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - name: what errors call it, such as "--model runs/a".
  ///   - classes: the values of the classes, for a file that does not say them; where it does these must be
  ///     nil or the same.
  ///   - exponent: the degree, for a file that does not say it.
  ///   - normalizeInput: whether features are divided by ||x||^(p-1), for a file that does not say it.
  ///   - layers: what a state dict of plain layers does not say.
  package init(
    path: String, name: String, classes: [ClassLabel]? = nil, exponent: Double? = nil,
    normalizeInput: Bool? = nil, layers: PlainLayerOptions = PlainLayerOptions()
  ) throws(ExperimentError) {
    do {
      network = try StoredModel(
        path: path, exponent: exponent, normalizeInput: normalizeInput, layers: layers)
      let stored =
        try network.graph.map { (graph) throws(FormatError) in
          try ModelFile.classes(metadata: graph.plan.metadata, path: path)
        } ?? ModelFile.classes(path: path)
      if let stored, let classes, stored != classes {
        throw FormatError(
          path: path,
          "the model has the classes \(ClassLabel.listing(stored)), but \(SettingName("classes")) says "
            + ClassLabel.listing(classes))
      }
      self.classes = stored ?? classes
    } catch { throw ExperimentError(error) }
    self.name = name
    if let known = self.classes, known.count > network.classCount {
      throw .usage(
        "\(path): has values for \(known.count) classes, expected at most \(network.classCount), as "
          + "the network tells apart")
    }
    if let classes, Set(classes).count < classes.count {
      throw .usage(
        "\(SettingName("classes")): holds a value twice, expected a different one for every class")
    }
  }

  /// The data with images in the order that the network reads them in.
  private func arranged(_ data: Dataset) throws(ExperimentError) -> Dataset {
    guard let image = network.network.inputImage else { return data }
    if data.layout == nil, let shape = data.sampleShape, shape != image.extents,
      shape == image.otherExtents
    {
      let other = InputLayout.allCases.first { $0 != image.layout } ?? image.layout
      throw .usage(
        "\(SettingName("data")) \(data.name): samples have the shape \(shape), expected \(image.extents) as "
          + "\(name) takes; \(SettingName("input-layout")) \(other.rawValue) brings them into this order"
      )
    }
    return data.arranged(as: image.layout)
  }

  /// The data with labels as the network numbers its classes.
  ///
  /// Without values the classes are the numbers from 0; of two classes, -1 and +1 are known as well.
  ///
  /// - Throws: ``ExperimentError/usage(_:)`` for data of another dimension, and at the first label that the
  ///   model does not know.
  package func fitted(_ data: Dataset) throws(ExperimentError) -> Dataset {
    let data = try checked(data)
    do {
      if let classes {
        return try data.numbered(by: classes, count: network.classCount, of: name)
      }
      let signs: [ClassLabel] = [.integer(-1), .integer(1)]
      let present = data.presentClasses
      if network.classCount == 2, present.contains(signs[0]), present.isSubset(of: signs) {
        return try data.numbered(by: signs, of: name)
      }
      return try data.numbered(
        by: ClassLabel.numbers(network.classCount),
        of:
          "\(name) (the file does not say the values of its classes, see \(SettingName("classes")))"
      )
    } catch { throw .usage("\(SettingName("data")) \(error)") }
  }

  /// The values of its classes; the numbers from 0 where nobody says them.
  package var classValues: [ClassLabel] { classes ?? ClassLabel.numbers(network.classCount) }

  /// The data in the order that the network reads them in, with as many coordinates as it takes.
  /// - Throws: ``ExperimentError/usage(_:)`` for data of another dimension.
  package func checked(_ data: Dataset) throws(ExperimentError) -> Dataset {
    let data = try arranged(data)
    guard data.dimension == network.inputDimension else {
      throw .usage(
        "\(SettingName("data")) \(data.name): samples have \(data.dimension) coordinates, expected "
          + "\(network.inputDimension) as \(name) takes")
    }
    return data
  }
}
