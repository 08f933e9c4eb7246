import { PlanError } from '#infra/errors.ts';

export const natModes = ['none', 'instance', 'single', 'regional', 'perAz'] as const;
export type NatMode = (typeof natModes)[number];

export interface NatInstance {
  /** For example `t4g.nano`: its bandwidth is that of all private subnets. The image has to be of its architecture. */
  readonly instanceType: string;
  /**
   * An image of a Linux with systemd, cloud-init and nftables whose root disk is /dev/xvda, for example `ami-0123456789abcdef0`. An id is of
   * one region.
   */
  readonly imageId: string;
}

export interface NatRequest {
  /** In the order of the network's zones. */
  readonly zones: readonly string[];
  readonly nat: NatMode;
  /** Given exactly when `nat` is `instance`. */
  readonly natInstance?: NatInstance | undefined;
}

/** Who leads the private subnets out. */
export type NatPlan =
  | { readonly kind: 'none' }
  /** One machine in the first zone. */
  | { readonly kind: 'instance'; readonly zone: string; readonly instance: NatInstance }
  /** One gateway of the whole network, which AWS spreads over the zones that have traffic. */
  | { readonly kind: 'regional' }
  /** A gateway in each of these zones; a zone without one goes out by the first. */
  | { readonly kind: 'zonal'; readonly zones: readonly string[] };

/** Refuses a machine that is not described, and a description of a machine that there is not. */
export function planNat({ zones, nat, natInstance }: NatRequest): NatPlan {
  const [first = ''] = zones;
  if (nat === 'instance') {
    if (natInstance !== undefined) return { kind: 'instance', zone: first, instance: natInstance };
    throw refuse('nat is instance, and natInstance is missing', 'give natInstance its instanceType and imageId');
  }
  if (natInstance !== undefined) {
    throw refuse(`nat is ${nat}, and natInstance describes a machine`, 'leave natInstance out, or set nat to instance');
  }
  if (nat === 'none' || nat === 'regional') return { kind: nat };
  return { kind: 'zonal', zones: nat === 'single' ? [first] : zones };
}

/**
 * What the machine does at its first start: forward, and put its own address on what leaves the network, now and after each restart.
 * Addresses within the network pass unchanged.
 */
export function planNatScript(cidr: string): string {
  return `#!/bin/sh
set -eu
echo 'net.ipv4.ip_forward = 1' > /etc/sysctl.d/90-orrery-nat.conf
cat > /etc/orrery-nat.nft <<'RULES'
table ip orrery_nat
delete table ip orrery_nat
table ip orrery_nat {
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ip saddr ${cidr} ip daddr != ${cidr} masquerade
  }
}
RULES
cat > /etc/systemd/system/orrery-nat.service <<'UNIT'
[Unit]
After=network-online.target
Wants=network-online.target
[Service]
Type=oneshot
RemainAfterExit=true
ExecStart=/bin/sh -c 'sysctl --system && nft -f /etc/orrery-nat.nft'
[Install]
WantedBy=multi-user.target
UNIT
systemctl daemon-reload
systemctl enable --now orrery-nat.service
`;
}

function refuse(message: string, hint: string): PlanError {
  return new PlanError({ code: 'NAT_INVALID', message, hint });
}
