import Datasets
import Figures

/// The paper's central result in a minute: mixture, digits and, where it is at hand, MNIST; one report.
struct OverviewExperiment: CompositeExperiment {
  static let name = "overview"
  static let summary = "the central result on synthetic data and on real digits, in one report"

  let options: ExperimentOptions
  var members: [CompositeMember]

  let title = "Implicit bias and adversarial robustness"
  var subtitle: Prose {
    "Average class directions or every subclass: what a network of degree \(emphasis: "p") learns "
      + "decides how far it stands up to an adversary. Preset \(code: options.preset.rawValue)."
  }

  init(_ options: ExperimentOptions) {
    self.options = options
    members = [
      CompositeMember(
        MixtureExperiment.name, title: "Orthonormal mixture", MixtureExperiment(options)),
      CompositeMember(
        DigitsParityExperiment.name, title: "Handwritten digits, even against odd",
        DigitsParityExperiment(options)),
      CompositeMember(
        MNISTParityExperiment.name, title: "MNIST, even against odd",
        MNISTParityExperiment(options)),
    ]
  }

  var available: [CompositeMember] {
    members.filter { $0.name != MNISTParityExperiment.name || MNIST.isAvailable() }
  }

  func absence(of member: CompositeMember) -> String {
    "MNIST is not at hand and was left out; `polyrelu data fetch mnist` gets it."
  }
}
