import Certification
import Datasets
import Formats
import Foundation
import LinearCore
import Networks

/// A directory of certificates: `network.json`, the network they speak about, and `sample-INDEX.json`, one a
/// sample that is classified correctly.
public struct CertificateStore {
  private let folder: URL

  /// The certificates in a directory, which need not exist yet.
  public init(_ path: String) { folder = URL(fileURLWithPath: path) }

  private func file(_ index: Int) -> String {
    folder.appendingPathComponent(String(format: "sample-%06d.json", index)).path
  }

  private var networkFile: String { folder.appendingPathComponent("network.json").path }

  /// Writes what a study has found. Files of an earlier one with the same names are replaced.
  public func write(_ result: CertificationStudy.Result) throws(ExperimentError) {
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try AtomicFile.write(text(result.effective), to: networkFile)
      for sample in result.samples where sample.status != .misclassified {
        try AtomicFile.write(
          text(SampleCertificate(sample, norm: result.norm)), to: file(sample.index))
      }
    } catch let error as FormatError {
      throw .failed("\(error)")
    } catch {
      throw .failed("\(folder.path): \(error.localizedDescription)")
    }
  }

  /// Verifies the certificates of all samples of `data`, those of misclassified samples excepted.
  ///
  /// - Parameter norm: the norm they must be about.
  /// - Returns: the radii they prove; 0 for misclassified samples.
  /// - Throws: ``ExperimentError`` naming the first file that does not hold.
  public func check(_ network: PReLUNetwork<Float>, data: Dataset, norm: Norm)
    throws(ExperimentError) -> [Double]
  {
    let effective: EffectiveNetwork = try read(networkFile)
    let checker: CertificateChecker<Float>
    do { checker = try CertificateChecker(network, effective: effective) } catch {
      throw .usage("\(networkFile): \(error)")
    }
    let predictions = network.referenceClasses(data.inputs)
    var radii: [Double] = []
    for index in 0..<data.count {
      let path = file(index)
      if predictions[index] != data.labels[index],
        !FileManager.default.fileExists(atPath: path)
      {
        radii.append(0)
        continue
      }
      let certificate: SampleCertificate = try read(path)
      guard certificate.label == data.labels[index] else {
        throw .usage("\(path): is of label \(certificate.label), the sample has another")
      }
      guard certificate.norm == norm else {
        throw .usage(
          "\(path): is about \(certificate.norm.rawValue), expected --norm \(norm.rawValue)")
      }
      do { radii.append(try checker.check(certificate, input: data.inputs.row(index))) } catch {
        throw .usage("\(path): \(error)")
      }
    }
    return radii
  }

  private func text<Value: Encodable>(_ value: Value) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
  }

  private func read<Value: Decodable>(_ path: String) throws(ExperimentError) -> Value {
    guard let bytes = FileManager.default.contents(atPath: path) else {
      throw .usage("\(path): cannot be read")
    }
    do { return try JSONDecoder().decode(Value.self, from: bytes) } catch {
      throw .usage("\(path): is not a certificate")
    }
  }
}
