# Kyverno, from 1.19 on: its pods need the certificates in FILES/ca.pem, unless their system trusts them already.
kubectl apply --filename - <<'END'
apiVersion: policies.kyverno.io/v1
kind: ImageValidatingPolicy
metadata:
  name: signed-with-avouch
spec:
  validationActions: [Deny]
  matchConstraints:
    resourceRules:
      - apiGroups: [""]
        apiVersions: [v1]
        resources: [pods]
        operations: [CREATE, UPDATE]
  matchImageReferences:
    - glob: "registry.example.com/*"
  attestors:
    - name: avouch
      cosign:
        tuf:
          mirror: URL/tuf
          root:
            data: ROOT
        keyless:
          identities:
            - issuer: ISSUER
              subject: IDENTITY
  validations:
    - expression: images.containers.map(image, verifyImageSignatures(image, [attestors.avouch])).all(count, count > 0)
      message: not signed by IDENTITY
END
