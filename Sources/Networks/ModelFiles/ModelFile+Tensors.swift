import Formats
import LinearCore

extension ModelFile {
  /// A matrix as a tensor of the same scalar type.
  public static func tensor<Scalar: LinearScalar>(_ matrix: Matrix<Scalar>) -> Tensor {
    tensor(shape: [matrix.rows, matrix.columns], matrix.elements)
  }

  /// A vector as a tensor of the same scalar type.
  public static func tensor<Scalar: LinearScalar>(_ vector: [Scalar]) -> Tensor {
    tensor(shape: [vector.count], vector)
  }

  private static func tensor<Scalar: LinearScalar>(shape: [Int], _ elements: [Scalar]) -> Tensor {
    if let floats = elements as? [Float] { return Tensor(shape: shape, elements: .float32(floats)) }
    return Tensor(shape: shape, elements: .float64(elements.map { Double($0) }))
  }

  /// A tensor of two dimensions from a file.
  public static func matrix<Scalar: LinearScalar>(
    _ file: Safetensors, _ name: String, _ path: String
  ) throws(FormatError) -> Matrix<Scalar> {
    let tensor = try file.tensor(name, path: path)
    guard tensor.shape.count == 2 else {
      throw FormatError(
        path: path, "tensor '\(name.shortened)' has shape \(tensor.shape), expected two axes")
    }
    return Matrix(rows: tensor.shape[0], columns: tensor.shape[1], elements: scalars(tensor))
  }

  /// A tensor of one dimension from a file.
  public static func vector<Scalar: LinearScalar>(
    _ file: Safetensors, _ name: String, _ path: String
  ) throws(FormatError) -> [Scalar] {
    let tensor = try file.tensor(name, path: path)
    guard tensor.shape.count == 1 else {
      throw FormatError(
        path: path, "tensor '\(name.shortened)' has shape \(tensor.shape), expected one axis")
    }
    return scalars(tensor)
  }

  static func scalars<Scalar: LinearScalar>(_ tensor: Tensor) -> [Scalar] {
    if let same = (tensor.floats as Any) as? [Scalar] { return same }
    return tensor.doubles.map { Scalar($0) }
  }
}
