extension CertifiedRadius {
  /// A result as an earlier process has stored it. Whoever makes one answers for it: see ``CertificateChecker``
  /// for the bound and the network for the perturbation.
  package init(
    storedIndex index: Int, label: Int, lower: Double, proved: Double, upper: Double,
    status: Status, nodes: Int,
    seconds: Double, perturbation: [Double], certificates: [BranchCertificate]
  ) {
    self.index = index
    self.label = label
    self.lower = lower
    self.proved = proved
    self.upper = upper
    self.status = status
    self.nodes = nodes
    self.seconds = seconds
    self.perturbation = perturbation
    self.certificates = certificates
  }
}
