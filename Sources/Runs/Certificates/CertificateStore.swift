import Certification
import Datasets
import Foundation
import LinearCore
import Networks

/// A directory of certificates: `network.json`, the network they speak about, and `sample-INDEX.json`, one a
/// sample that is classified correctly. ``CertificationRun`` writes it.
package struct CertificateStore {
  private let files: CertificateFiles

  /// The certificates in a directory.
  package init(_ path: String) { files = CertificateFiles(folder: URL(fileURLWithPath: path)) }

  /// Verifies the certificates of all samples of `data`, those of misclassified samples excepted.
  ///
  /// - Parameters:
  ///   - norm: the norm they must be about.
  ///   - box: of valid inputs, for certificates that hold in it only.
  /// - Returns: the radii they prove; 0 for misclassified samples.
  /// - Throws: ``ExperimentError`` naming the first file that does not hold.
  package func check(
    _ network: PReLUNetwork<Float>, data: Dataset, norm: Norm, box: InputBox<Float>? = nil
  ) throws(ExperimentError) -> [Double] {
    let effective: EffectiveNetwork = try CertificateFiles.read(files.network)
    let checker: CertificateChecker<Float>
    do {
      checker = try CertificateChecker(
        network, effective: effective, box: box?.map { Double($0) })
    } catch {
      throw .usage("\(files.network): \(error)")
    }
    let predictions = network.referenceClasses(data.inputs)
    var radii: [Double] = []
    for index in 0..<data.count {
      let path = files.certificate(index)
      if predictions[index] != data.labels[index],
        !FileManager.default.fileExists(atPath: path)
      {
        radii.append(0)
        continue
      }
      let certificate: SampleCertificate = try CertificateFiles.read(path)
      guard certificate.label == data.labels[index] else {
        throw .usage("\(path): is of label \(certificate.label), the sample has another")
      }
      guard certificate.norm == norm else {
        throw .usage(
          "\(path): is about \(certificate.norm.rawValue), expected \(SettingName("norm")) \(norm.rawValue)"
        )
      }
      do { radii.append(try checker.check(certificate, input: data.inputs.row(index))) } catch {
        throw .usage("\(path): \(error)")
      }
    }
    return radii
  }
}
