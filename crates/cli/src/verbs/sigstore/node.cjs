// @sigstore/sign 5 and @sigstore/verify from 4.1 on, with @sigstore/bundle and @sigstore/protobuf-specs.
// NODE_EXTRA_CA_CERTS=FILES/ca.pem FILE=… node sigstore.cjs; whoever signs has a token in $SIGSTORE_ID_TOKEN.
const { readFileSync, writeFileSync } = require('node:fs');
const { bundleToJSON } = require('@sigstore/bundle');
const { SigningConfig, TrustedRoot } = require('@sigstore/protobuf-specs');
const { CIContextProvider, bundleBuilderFromSigningConfig } = require('@sigstore/sign');
const { Verifier, toSignedEntity, toTrustMaterial } = require('@sigstore/verify');

const json = (path) => JSON.parse(readFileSync(path));
const data = readFileSync(process.env.FILE);

bundleBuilderFromSigningConfig({
  signingConfig: SigningConfig.fromJSON(json('FILES/signing_config.v0.2.json')),
  identityProvider: new CIContextProvider('sigstore'),
  bundleType: 'messageSignature', // or dsseEnvelope, of an in-toto statement
}).create({ data }).then((bundle) => {
  writeFileSync(`${process.env.FILE}.sigstore.json`, JSON.stringify(bundleToJSON(bundle)));

  const trust = toTrustMaterial(TrustedRoot.fromJSON(json('FILES/trusted_root.json')));
  // What is expected of a subject is a regular expression.
  const exactly = (text) => `^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`;
  const policy = { subjectAlternativeName: exactly('IDENTITY'), extensions: { issuer: 'ISSUER' } };
  new Verifier(trust).verify(toSignedEntity(bundle, data), policy);
});
