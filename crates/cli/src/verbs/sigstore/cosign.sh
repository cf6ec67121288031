# cosign, from 3.1 on. Whoever signs has a token in $SIGSTORE_ID_TOKEN or logs in; `--key cosign.key` signs with a key instead.
export SSL_CERT_FILE=FILES/ca.pem

cosign sign-blob --yes --signing-config FILES/signing_config.v0.2.json --trusted-root FILES/trusted_root.json --bundle "$FILE.sigstore.json" "$FILE"
cosign verify-blob --trusted-root FILES/trusted_root.json --use-signed-timestamps --certificate-identity 'IDENTITY' --certificate-oidc-issuer 'ISSUER' --bundle "$FILE.sigstore.json" "$FILE"

# Images, and what is said of them
cosign sign --yes --signing-config FILES/signing_config.v0.2.json --trusted-root FILES/trusted_root.json "$IMAGE"
cosign verify --trusted-root FILES/trusted_root.json --use-signed-timestamps --certificate-identity 'IDENTITY' --certificate-oidc-issuer 'ISSUER' "$IMAGE"
cosign attest --yes --signing-config FILES/signing_config.v0.2.json --trusted-root FILES/trusted_root.json --predicate predicate.json --type slsaprovenance1 "$IMAGE"
cosign verify-attestation --trusted-root FILES/trusted_root.json --use-signed-timestamps --certificate-identity 'IDENTITY' --certificate-oidc-issuer 'ISSUER' --type slsaprovenance1 "$IMAGE"
