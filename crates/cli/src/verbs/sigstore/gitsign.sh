# gitsign 0.16, in a repository of yours. It knows Rekor v1 alone: the platform needs a log for such clients
# (`avouch key create platform/rekor-v1 --form set`, `avouch trust publish`, then `avouch sigstore files` once more).
# Whoever signs has a token in $SIGSTORE_ID_TOKEN or logs in.
export SSL_CERT_FILE=FILES/ca.pem
export SIGSTORE_REKOR_PUBLIC_KEY=FILES/rekor.pub SIGSTORE_CT_LOG_PUBLIC_KEY_FILE=FILES/ctfe.pub

git config gpg.format x509
git config gpg.x509.program gitsign
git config commit.gpgsign true
git config tag.gpgsign true
git config gitsign.fulcio 'URL'
git config gitsign.fulcioRoot FILES/fulcio.pem
git config gitsign.rekor 'URL'
git config gitsign.rekorMode offline
git config gitsign.issuer 'ISSUER'

# A verifier reads the trusted root from the platform's TUF repository, once:
gitsign initialize --mirror 'URL/tuf' --root FILES/root.json
gitsign verify --certificate-identity 'IDENTITY' --certificate-oidc-issuer 'ISSUER' HEAD
