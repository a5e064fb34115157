import LinearCore

/// The samples of every step of an epoch, which is counted from 1: all samples once, in an order drawn from the
/// seed's child stream ("shuffling", epoch), in batches of `size`, the last of which may be smaller.
func shuffledBatches(of samples: Int, size: Int, seed: UInt64, epoch: Int) -> [[Int]] {
  var stream = RandomStream(seed: seed).child("shuffling", epoch)
  let order = stream.permutation(samples)
  return stride(from: 0, to: order.count, by: size).map { start in
    Array(order[start..<min(order.count, start + size)])
  }
}
