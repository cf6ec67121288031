// An OpenID Provider on loopback, by the package that others run: `node provider.js`. It prints its address.
// Whoever logs in as NAME is NAME@example.com, whose address is confirmed unless NAME is `unconfirmed`.
const http = require('node:http');
const crypto = require('node:crypto');

async function main() {
  const { Provider } = await import(require.resolve('oidc-provider'));
  const server = http.createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const { privateKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'sigstore',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      id_token_signed_response_alg: 'ES256',
      redirect_uris: ['http://localhost/auth/callback'],
      response_types: ['code'],
      grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
    }],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig', alg: 'ES256' }] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    // Clients of Sigstore read the address in the ID token itself.
    conformIdTokenClaims: false,
    features: { deviceFlow: { enabled: true }, devInteractions: { enabled: true } },
    pkce: { required: () => true },
    cookies: { keys: [crypto.randomBytes(16).toString('hex')] },
    findAccount: (context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: id !== 'unconfirmed' }),
    }),
  });
  server.on('request', provider.callback());
  console.log(issuer);
}

main().catch((error) => { console.error(error); process.exit(1); });
