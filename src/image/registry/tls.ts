import { existsSync, readFileSync } from "node:fs";
import { createSecureContext, rootCertificates, type SecureContext } from "node:tls";

/** A certificate that this side shows, and its private key: PEM texts. */
export interface ClientCertificate {
  certificate: string;
  key: string;
}

/** How connections to one address are secured. Plain data. */
export interface TlsSettings {
  skipVerify: boolean;
  /** PEM texts of certificate authorities to trust beside the system's. */
  authorities: string[];
  clientCertificates: ClientCertificate[];
}

export const defaultTls: TlsSettings = { skipVerify: false, authorities: [], clientCertificates: [] };

// Where distributions keep their bundle of authorities, in the order in which Go's crypto/x509 looks (root_linux.go).
const bundles = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/tls/cacert.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/**
 * What programs on this machine trust: the file that SSL_CERT_FILE names or the distribution's bundle, so that an
 * authority that an administrator added counts here too; the list inside Node where there is neither.
 */
export function systemAuthorities(environment: NodeJS.ProcessEnv = process.env): string[] {
  const { SSL_CERT_FILE: named } = environment;
  const file = named ? named : bundles.find((path) => existsSync(path));
  return file === undefined ? [...rootCertificates] : [readFileSync(file, "utf8")];
}

/** Reading the system's authorities takes some milliseconds: it is done at the first connection, not before. */
export function secureContext({ authorities, clientCertificates }: TlsSettings): SecureContext {
  return createSecureContext({
    ca: [...systemAuthorities(), ...authorities],
    cert: clientCertificates.map(({ certificate }) => certificate),
    key: clientCertificates.map(({ key }) => key),
  });
}
