# policy-controller, from 0.15 on: its pods need the certificates in FILES/ca.pem, unless their system trusts them already.
kubectl apply --filename - <<'END'
apiVersion: policy.sigstore.dev/v1alpha1
kind: TrustRoot
metadata:
  name: avouch
spec:
  remote:
    mirror: URL/tuf
    root: ROOT
---
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: signed-with-avouch
spec:
  images:
    - glob: "registry.example.com/**"
  authorities:
    - name: avouch
      signatureFormat: bundle
      keyless:
        url: URL
        trustRootRef: avouch
        identities:
          - issuer: ISSUER
            subject: IDENTITY
      ctlog:
        trustRootRef: avouch
      rfc3161timestamp:
        trustRootRef: avouch
END
# It looks only where it is told to:
kubectl label namespace NAMESPACE policy.sigstore.dev/include=true
