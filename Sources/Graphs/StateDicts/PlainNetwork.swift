import Formats
import LinearCore
import Networks

/// The layers of a state dict on their way to a graph.
struct PlainNetwork {
  let contents: Safetensors
  let path: String
  let activation: PlainActivation

  func plan(_ layers: [PlainLayer], _ choice: BorderChoice) throws(FormatError) -> GraphPlan {
    var graph: GraphBuilder
    var value: GraphBuilder.Value
    do throws(NetworkError) {
      graph = try GraphBuilder(inputShape: choice.inputShape)
      value = graph.input
    } catch { throw FormatError(path: path, error.description) }
    for (number, layer) in layers.enumerated() {
      let weight = try tensor(layer.weight)
      let bias = try layer.bias.map { (name) throws(FormatError) in try tensor(name) }
      do throws(NetworkError) {
        if layer.isConvolution {
          value = try convolution(value, weight, keepsSize: choice.keepsSize, &graph)
        } else {
          value = try graph.reshaped(value, [1, Shape.count(value.shape)])
          value = try graph.dense(value, weights: weight)
        }
        if let bias {
          try GraphBuilder.check(bias)
          value = try graph.apply(
            .add, to: value, operand: bias.channels(axes: value.shape.count))
        }
        if number < layers.count - 1 {
          value = try activated(value, weight, hasBias: bias != nil, &graph)
        }
      } catch {
        throw FormatError(path: path, "layer '\(layer.weight.shortened)': \(error.description)")
      }
    }
    do throws(NetworkError) { return try graph.plan(output: value) } catch {
      throw FormatError(path: path, error.description)
    }
  }

  private func tensor(_ name: String) throws(FormatError) -> Tensor {
    let tensor = try contents.tensor(name, path: path)
    if case .int64 = tensor.elements {
      throw FormatError(
        path: path, "tensor '\(name.shortened)' holds integers; expected floating-point weights")
    }
    return tensor
  }

  private func convolution(
    _ value: GraphBuilder.Value, _ filters: Tensor, keepsSize: Bool, _ graph: inout GraphBuilder
  ) throws(NetworkError) -> GraphBuilder.Value {
    let kernel = Array(filters.shape.dropFirst(2))
    let border = keepsSize ? kernel.map { $0 / 2 } : [0, 0]
    return try graph.convolution(
      value, filters: filters,
      WindowDescription(
        kernel: kernel, strides: [1, 1], dilations: [1, 1], pads: border + border),
      groups: 1)
  }

  private func activated(
    _ value: GraphBuilder.Value, _ weight: Tensor, hasBias: Bool, _ graph: inout GraphBuilder
  ) throws(NetworkError) -> GraphBuilder.Value {
    switch activation {
    case .relu, .prelu(1): return try graph.apply(.relu, to: value)
    case .tanh: return try graph.apply(.tanh, to: value)
    case .prelu(let exponent):
      guard !hasBias else {
        throw NetworkError("has a bias, for which pReLU neurons have no place; expected none")
      }
      let matrix = Matrix(
        rows: weight.shape[0], columns: weight.count / weight.shape[0], elements: weight.doubles)
      // A neuron without weights is silent.
      let norms = matrix.rowNorms().map { $0 > 0 ? $0 : 1 }
      let operand = Tensor(shape: [norms.count], elements: .float64(norms))
      return try graph.apply(
        .normalizedPower(exponent), to: value, operand: operand.channels(axes: value.shape.count))
    }
  }
}
