import LinearCore

/// Mean and standard deviation of the values of every channel: what images are normalised by.
package struct ChannelStatistics: Sendable, Equatable, Codable {
  /// The means, one a channel.
  package let means: [Double]
  /// The standard deviations over all pixels of all images, one a channel.
  package let deviations: [Double]
}

extension Dataset {
  /// The statistics of every channel; of data that are no images, of all coordinates together.
  ///
  /// Computed in double precision, about the mean, so that no digits cancel.
  package var channelStatistics: ChannelStatistics {
    let channels = imageShape?.channels ?? 1
    let perChannel = Double(inputs.elements.count / channels)
    func sums(_ term: (Double, Int) -> Double) -> [Double] {
      inputs.withPointer { source in
        var sums = [Double](repeating: 0, count: channels)
        sums.withUnsafeMutableBufferPointer { sums in
          for pixel in 0..<inputs.elements.count / channels {
            for channel in 0..<channels {
              sums[channel] += term(Double(source[pixel * channels + channel]), channel)
            }
          }
        }
        return sums.map { $0 / perChannel }
      }
    }
    let means = sums { value, _ in value }
    let variances = sums { value, channel in
      (value - means[channel]) * (value - means[channel])
    }
    return ChannelStatistics(means: means, deviations: variances.map { $0.squareRoot() })
  }
}
