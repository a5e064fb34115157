import Formats
import LinearCore
import Networks

/// State dicts of plain networks: fully connected layers one after the other, behind convolutions or none,
/// with one activation between them.
///
/// The file says names, shapes and numbers. The activation is given; a convolution takes the shape of its
/// input, and has stride 1 and a border of 0 or of half its window, whichever fits the layers behind it.
package enum PlainStateDict {
  /// The most bytes that the tensors may take in memory.
  private static let maximumBytes = 4 << 30

  /// Whether the names in a file are such that a plain network may be meant.
  package static func isMeant(_ names: Set<String>) -> Bool { PlainLayer.areNames(names) }

  /// Reads a `.pt`, safetensors or npz file.
  ///
  /// - Parameters:
  ///   - activation: what stands between the layers.
  ///   - inputShape: channels, rows and columns, for a network that starts with a convolution.
  /// - Throws: `FormatError` in one line, which names the tensor that does not fit.
  package static func read(
    _ path: String, activation: PlainActivation, inputShape: [Int]? = nil
  ) throws(FormatError) -> GraphPlan {
    let file = try TensorFile(path: path, isWanted: isMeant)
    let layers = try chained(PlainLayer.layers(in: file, path: path), path)
    var wanted: Set<String> = []
    for layer in layers { wanted.formUnion([layer.weight, layer.bias].compactMap { $0 }) }
    let contents = try file.contents(of: wanted, maximumBytes: maximumBytes)
    let geometry = try BorderChoice(layers, inputShape, path)
    let network = PlainNetwork(contents: contents, path: path, activation: activation)
    return try network.plan(layers, geometry)
  }

  /// The layers in the order in which each takes what the one before makes: that of the file, or of the
  /// numbers in their names.
  private static func chained(_ layers: [PlainLayer], _ path: String) throws(FormatError)
    -> [PlainLayer]
  {
    let orders = [layers, layers.sorted(by: PlainLayer.isBefore)]
    if let order = orders.first(where: { mismatch($0) == nil }) { return order }
    guard let (before, after) = mismatch(layers) else { return layers }
    throw FormatError(
      path: path,
      "layer '\(after.weight.shortened)' of shape \(Shape.text(after.shape)) does not take what "
        + "'\(before.weight.shortened)' of shape \(Shape.text(before.shape)) makes; expected a chain of "
        + "layers in the order of the file")
  }

  private static func mismatch(_ layers: [PlainLayer]) -> (PlainLayer, PlainLayer)? {
    zip(layers, layers.dropFirst()).first { before, after in
      switch (before.isConvolution, after.isConvolution) {
      case (true, true), (false, false): before.shape[0] != after.shape[1]
      // Behind images every pixel is a number.
      case (true, false): after.shape[1] % before.shape[0] != 0
      case (false, true): true
      }
    }
  }
}

/// Which border the convolutions of a state dict have, and the shape of the input.
struct BorderChoice {
  /// The shape of one sample, with a batch of one.
  let inputShape: [Int]
  /// Whether convolutions keep the size of an image.
  let keepsSize: Bool

  init(_ layers: [PlainLayer], _ given: [Int]?, _ path: String) throws(FormatError) {
    let first = layers[0]
    guard first.isConvolution else {
      if let given,
        given.reduce(1, { $0.multipliedReportingOverflow(by: $1).partialValue })
          != first.shape[1]
      {
        throw FormatError(
          path: path,
          "takes \(first.shape[1]) numbers, but --input-shape says \(given.map(String.init).joined(separator: ","))"
        )
      }
      (inputShape, keepsSize) = ([1, first.shape[1]], false)
      return
    }
    guard let given else {
      throw FormatError(
        path: path, "starts with a convolution: give --input-shape CHANNELS,ROWS,COLUMNS")
    }
    let extents = 1...1 << 20
    guard given.count == 3, given.allSatisfy(extents.contains), given[0] == first.shape[1] else {
      throw FormatError(
        path: path,
        "starts with a convolution of \(first.shape[1]) channels, but --input-shape says "
          + "\(given.map(String.init).joined(separator: ",")); expected CHANNELS,ROWS,COLUMNS")
    }
    inputShape = [1] + given
    // What the first fully connected layer reads tells the border.
    let convolutions = layers.prefix { $0.isConvolution }
    let wanted = convolutions.count < layers.count ? layers[convolutions.count].shape[1] : nil
    let counts = [false, true].map { Self.count(convolutions, given, keepsSize: $0) }
    let fitting = [0, 1].filter { counts[$0] != nil && (wanted == nil || counts[$0] == wanted) }
    guard let choice = fitting.first, fitting.count == 1 || counts[0] == counts[1] else {
      let found = counts.compactMap { $0 }.map(String.init).joined(separator: " or ")
      throw FormatError(
        path: path,
        "its convolutions make \(found.isEmpty ? "nothing" : found + " numbers") of such images without stride "
          + "and pooling"
          + (wanted.map { ", but the layer behind them reads \($0)" }
            ?? ", which leaves their border open")
          + "; a state dict does not say strides, borders and pooling: export the network to ONNX")
    }
    keepsSize = choice == 1
  }

  /// The numbers behind all convolutions; nil where a window does not fit.
  private static func count(
    _ layers: ArraySlice<PlainLayer>, _ input: [Int], keepsSize: Bool
  ) -> Int? {
    var (rows, columns) = (input[1], input[2])
    for layer in layers {
      if keepsSize {
        guard layer.shape[2] % 2 == 1, layer.shape[3] % 2 == 1 else { return nil }
        continue
      }
      (rows, columns) = (rows - layer.shape[2] + 1, columns - layer.shape[3] + 1)
      guard rows > 0, columns > 0 else { return nil }
    }
    let (pixels, overflow) = rows.multipliedReportingOverflow(by: columns)
    let (count, more) = pixels.multipliedReportingOverflow(by: layers.last?.shape[0] ?? 1)
    return overflow || more ? nil : count
  }
}
