# The `sigstore` package of Python, from 4.3 on; 4.2 reads no attestations. Whoever signs has a token in
# $SIGSTORE_IDENTITY_TOKEN or logs in.
export SSL_CERT_FILE=FILES/ca.pem REQUESTS_CA_BUNDLE=FILES/ca.pem

sigstore --trust-config FILES/client_trust_config.json sign --bundle "$FILE.sigstore.json" "$FILE"
sigstore --trust-config FILES/client_trust_config.json verify identity --cert-identity 'IDENTITY' --cert-oidc-issuer 'ISSUER' --bundle "$FILE.sigstore.json" "$FILE"
