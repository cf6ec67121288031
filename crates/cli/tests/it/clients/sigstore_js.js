// Signs and verifies with @sigstore/sign and @sigstore/verify, which are no programs, in the words of the conformance
// suite's protocol. Exits with 1 if it is refused.
const { createPublicKey } = require('node:crypto');
const { readFileSync, writeFileSync } = require('node:fs');
const { parseArgs } = require('node:util');
const { bundleFromJSON, bundleToJSON } = require('@sigstore/bundle');
const { SigningConfig, TrustedRoot } = require('@sigstore/protobuf-specs');

const text = { type: 'string' };
const { values: given, positionals: [verb, file] } = parseArgs({
  // Of a script on the command line, node leaves out both the script and the `--` behind it.
  args: process.argv.slice(1),
  allowPositionals: true,
  options: {
    'in-toto': { type: 'boolean' }, 'identity-token': text, bundle: text, 'signing-config': text,
    'trusted-root': text, 'certificate-identity': text, 'certificate-oidc-issuer': text, key: text,
  },
});
const json = (path) => JSON.parse(readFileSync(path));

async function sign() {
  const { bundleBuilderFromSigningConfig } = require('@sigstore/sign');
  const builder = bundleBuilderFromSigningConfig({
    signingConfig: SigningConfig.fromJSON(json(given['signing-config'])),
    identityProvider: { getToken: async () => given['identity-token'] },
    bundleType: given['in-toto'] ? 'dsseEnvelope' : 'messageSignature',
  });
  const type = given['in-toto'] ? 'application/vnd.in-toto+json' : undefined;
  const bundle = await builder.create({ data: readFileSync(file), type });
  writeFileSync(given.bundle, JSON.stringify(bundleToJSON(bundle)));
}

function verify() {
  const { Verifier, toSignedEntity, toTrustMaterial } = require('@sigstore/verify');
  const publicKey = given.key && createPublicKey(readFileSync(given.key));
  const keys = given.key && (() => ({ publicKey, validFor: () => true }));
  const trust = toTrustMaterial(TrustedRoot.fromJSON(json(given['trusted-root'])), keys);
  const entity = toSignedEntity(bundleFromJSON(json(given.bundle)), file && readFileSync(file));
  const verifier = new Verifier(trust, { tlogThreshold: 1, ctlogThreshold: 1, timestampThreshold: 1 });
  // What is expected of a subject is a regular expression.
  const exactly = (subject) => `^${subject.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`;
  verifier.verify(entity, given.key ? undefined : {
    subjectAlternativeName: exactly(given['certificate-identity']),
    extensions: { issuer: given['certificate-oidc-issuer'] },
  });
}

const deed = { 'sign-bundle': sign, 'verify-bundle': verify }[verb];
Promise.resolve().then(() => deed()).catch((refusal) => {
  console.log(`refused: ${refusal.code ?? refusal.name}: ${refusal.message}; ${refusal.cause ?? ''}`);
  process.exitCode = 1;
});
