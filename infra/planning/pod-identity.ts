/** Who may take a role that is meant for pods: EKS Pod Identity alone. Which pod it is, the association says. */
export const podIdentityTrust = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { Service: 'pods.eks.amazonaws.com' },
      Action: ['sts:AssumeRole', 'sts:TagSession'],
    },
  ],
});
