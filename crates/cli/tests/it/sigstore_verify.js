// Shows one bundle of a managed key to @sigstore/verify: BUNDLE TRUSTED_ROOT KEY FILE. Exits with 1 if it is refused.
const { createPublicKey } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { bundleFromJSON } = require('@sigstore/bundle');
const { TrustedRoot } = require('@sigstore/protobuf-specs');
const { Verifier, toSignedEntity, toTrustMaterial } = require('@sigstore/verify');

const [bundle, root, key, file] = process.argv.slice(-4).map((path) => readFileSync(path));
try {
  const publicKey = createPublicKey(key);
  const trust = toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(root)), () => ({ publicKey, validFor: () => true }));
  const verifier = new Verifier(trust, { tlogThreshold: 1, ctlogThreshold: 1, timestampThreshold: 1 });
  verifier.verify(toSignedEntity(bundleFromJSON(JSON.parse(bundle)), file));
  console.log('accepted');
} catch (refusal) {
  console.log(`refused: ${refusal.code ?? refusal.name}: ${refusal.message}`);
  process.exitCode = 1;
}
