// The rule that the server needs, once, from an administrator (the plugin `oidc-provider` makes Jenkins an issuer; its
// subject is the address of the job):
//   avouch issuer add https://jenkins.example.com/oidc --kind uri --domain https://jenkins.example.com
// Whoever verifies expects this job and no other:
//   avouch verify FILE --issuer https://jenkins.example.com/oidc --identity https://jenkins.example.com/job/NAME/
// The credential `avouch-id-token` is an "OpenID Connect id token" with the audience `sigstore`.
stage('sign') {
  environment {
    AVOUCH_CONTEXT = '.avouch/context.toml' // address, certificates and trust root: nothing secret
  }
  steps {
    sh 'echo "$AVOUCH_SHA256  avouch" | sha256sum --check --strict' // by its digest
    withCredentials([string(credentialsId: 'avouch-id-token', variable: 'SIGSTORE_ID_TOKEN')]) {
      sh './avouch ci check && ./avouch sign dist/* --keyless'
    }
  }
}
