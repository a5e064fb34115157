extension Safetensors {
  /// Where the digest of everything else stands in the metadata of a checkpoint.
  private static let sealKey = "sha256"

  private var digest: String {
    var sum = ContentDigest()
    for (key, text) in metadata.sorted(by: { $0.key < $1.key }) where key != Self.sealKey {
      sum.update(key)
      sum.update(text)
    }
    sum.update(tensors)
    return sum.hexadecimal
  }

  /// The same contents with their digest, so that a later change of any of them is seen.
  package func sealed() -> Safetensors {
    var result = self
    result.metadata[Self.sealKey] = digest
    return result
  }

  /// Makes sure that nothing has changed since ``sealed()``. Files of version 1 were not sealed, and pass.
  package func checkSeal(path: String) throws(FormatError) {
    guard let seal = metadata[Self.sealKey], seal != digest else { return }
    throw FormatError(
      path: path, "its contents are not those that were written: their SHA-256 has changed")
  }
}
